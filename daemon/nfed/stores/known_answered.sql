case when h.especie = 'evento' then 'evento' when h.tipo like '%MDFe' then 'mdfe' else 'documento' end

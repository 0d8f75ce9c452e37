case h.tipo when 'NFSe' then '100' when 'eventoNFSe' then '135' else h.codigo_status end

-- The database that users have, as existing-schema.tsv tells it, with its checks, trigger and views.

create table empresas (
    id serial primary key,
    tipo_pessoa varchar(10) check (tipo_pessoa in ('fisica', 'juridica')),
    cpf_cnpj varchar(14) not null unique,
    razao_social varchar(60),
    nome_fantasia varchar(60),
    inscricao_estadual varchar(14),
    inscricao_municipal varchar(15),
    inscricao_suframa varchar(9),
    regime_tributario char(1),
    logradouro varchar(60),
    numero varchar(60),
    complemento varchar(60),
    bairro varchar(60),
    codigo_municipio varchar(7),
    nome_municipio varchar(60),
    uf char(2),
    cep varchar(8),
    codigo_pais varchar(4),
    nome_pais varchar(60),
    telefone varchar(14),
    email varchar(60),
    indicador_ie_destinatario char(1),
    created_at timestamp default current_timestamp,
    updated_at timestamp default current_timestamp
);

create table notas_fiscais (
    id serial primary key,
    chave_acesso varchar(44) not null unique,
    codigo_uf char(2) not null,
    codigo_numerico_aleatorio varchar(8),
    natureza_operacao varchar(60) not null,
    modelo varchar(2) not null,
    serie varchar(3) not null,
    numero_nf integer not null,
    data_hora_emissao timestamp not null,
    data_hora_saida_entrada timestamp,
    tipo_operacao char(1) not null,
    destino_operacao char(1) not null,
    codigo_municipio_fato_gerador varchar(7),
    tipo_impressao char(1),
    tipo_emissao char(1),
    digito_verificador char(1),
    tipo_ambiente char(1),
    finalidade_emissao char(1),
    consumidor_final char(1),
    presenca_comprador char(1),
    indicador_intermediador char(1),
    processo_emissao char(1),
    versao_processo varchar(20),
    emitente_id integer references empresas(id),
    destinatario_id integer references empresas(id),
    retirada_cpf_cnpj varchar(14),
    retirada_logradouro varchar(60),
    retirada_numero varchar(60),
    retirada_complemento varchar(60),
    retirada_bairro varchar(60),
    retirada_codigo_municipio varchar(7),
    retirada_nome_municipio varchar(60),
    retirada_uf char(2),
    retirada_cep varchar(8),
    retirada_codigo_pais varchar(4),
    retirada_nome_pais varchar(60),
    retirada_telefone varchar(14),
    retirada_email varchar(60),
    retirada_inscricao_estadual varchar(14),
    entrega_cpf_cnpj varchar(14),
    entrega_logradouro varchar(60),
    entrega_numero varchar(60),
    entrega_complemento varchar(60),
    entrega_bairro varchar(60),
    entrega_codigo_municipio varchar(7),
    entrega_nome_municipio varchar(60),
    entrega_uf char(2),
    entrega_cep varchar(8),
    entrega_codigo_pais varchar(4),
    entrega_nome_pais varchar(60),
    entrega_telefone varchar(14),
    entrega_email varchar(60),
    entrega_inscricao_estadual varchar(14),
    base_calculo_icms numeric(15,2),
    valor_icms numeric(15,2),
    valor_icms_desonerado numeric(15,2),
    valor_fcp numeric(15,2),
    base_calculo_icms_st numeric(15,2),
    valor_icms_st numeric(15,2),
    valor_fcp_st numeric(15,2),
    valor_fcp_st_retido numeric(15,2),
    valor_total_produtos numeric(15,2) not null,
    valor_frete numeric(15,2),
    valor_seguro numeric(15,2),
    valor_desconto numeric(15,2),
    valor_imposto_importacao numeric(15,2),
    valor_ipi numeric(15,2),
    valor_ipi_devolvido numeric(15,2),
    valor_pis numeric(15,2),
    valor_cofins numeric(15,2),
    valor_outras_despesas numeric(15,2),
    valor_total_nota numeric(15,2) not null,
    valor_total_tributos numeric(15,2),
    modalidade_frete char(1),
    informacoes_complementares text,
    informacoes_fisco text,
    uf_saida_pais char(2),
    local_exportacao varchar(60),
    local_despacho varchar(60),
    nota_empenho varchar(22),
    pedido_compra varchar(60),
    contrato_compra varchar(90),
    safra varchar(9),
    mes_ano_referencia varchar(7),
    status varchar(20)
        check (status in ('emitida', 'autorizada', 'cancelada', 'denegada', 'rejeitada', 'inutilizada')),
    tipo_ambiente_protocolo char(1),
    versao_aplicativo_recepcao varchar(20),
    numero_protocolo varchar(15),
    digest_value varchar(28),
    data_hora_recebimento timestamp,
    codigo_status varchar(3),
    motivo_status varchar(255),
    data_hora_cancelamento timestamp,
    protocolo_cancelamento varchar(15),
    justificativa_cancelamento varchar(255),
    xml_completo text,
    xml_assinado text,
    resp_tecnico_cnpj varchar(14),
    resp_tecnico_contato varchar(60),
    resp_tecnico_email varchar(60),
    resp_tecnico_telefone varchar(14),
    created_at timestamp default current_timestamp,
    updated_at timestamp default current_timestamp
);

create table nf_cce (
    id serial primary key,
    nota_fiscal_id integer references notas_fiscais(id) on delete cascade,
    sequencia_evento integer not null,
    data_hora_evento timestamp not null,
    correcao text not null,
    tipo_ambiente varchar(1),
    versao_aplicativo varchar(20),
    numero_protocolo varchar(15),
    data_hora_recebimento timestamp,
    codigo_status varchar(3),
    motivo_status varchar(255),
    created_at timestamp default current_timestamp
);

create table nf_cobranca (
    id serial primary key,
    nota_fiscal_id integer references notas_fiscais(id) on delete cascade,
    numero_fatura varchar(60),
    valor_original numeric(15,2),
    valor_desconto numeric(15,2),
    valor_liquido numeric(15,2),
    created_at timestamp default current_timestamp
);

create table nf_duplicatas (
    id serial primary key,
    cobranca_id integer references nf_cobranca(id) on delete cascade,
    numero_duplicata varchar(60),
    data_vencimento date,
    valor numeric(15,2) not null,
    created_at timestamp default current_timestamp
);

create table nf_itens (
    id serial primary key,
    nota_fiscal_id integer references notas_fiscais(id) on delete cascade,
    numero_item integer not null,
    codigo_produto varchar(60) not null,
    codigo_ean varchar(14),
    descricao varchar(120) not null,
    ncm varchar(8),
    nve varchar(6),
    cest varchar(7),
    codigo_ex_tipi varchar(3),
    cfop varchar(4) not null,
    unidade_comercial varchar(6) not null,
    quantidade_comercial numeric(15,4) not null,
    valor_unitario_comercial numeric(21,10) not null,
    valor_total_bruto numeric(15,2) not null,
    codigo_ean_tributavel varchar(14),
    unidade_tributavel varchar(6) not null,
    quantidade_tributavel numeric(15,4) not null,
    valor_unitario_tributavel numeric(21,10) not null,
    valor_frete numeric(15,2),
    valor_seguro numeric(15,2),
    valor_desconto numeric(15,2),
    valor_outras_despesas numeric(15,2),
    indicador_total char(1),
    numero_pedido_compra varchar(15),
    item_pedido_compra integer,
    numero_fci varchar(36),
    numero_lote_medicamento varchar(20),
    quantidade_lote_medicamento numeric(11,3),
    data_fabricacao_medicamento date,
    data_validade_medicamento date,
    preco_maximo_consumidor numeric(15,2),
    codigo_anp varchar(9),
    descricao_anp varchar(95),
    percentual_glp numeric(5,2),
    percentual_gas_natural_nacional numeric(5,2),
    percentual_gas_natural_importado numeric(5,2),
    valor_partida numeric(15,2),
    registro_codif varchar(21),
    uf_consumo char(2),
    tipo_operacao_veiculo char(1),
    chassi varchar(17),
    cor_veiculo varchar(4),
    descricao_cor varchar(40),
    potencia_motor varchar(4),
    cilindradas varchar(4),
    peso_liquido varchar(9),
    peso_bruto varchar(9),
    serie varchar(9),
    tipo_combustivel varchar(2),
    numero_motor varchar(21),
    capacidade_maxima_tracao numeric(9,4),
    distancia_eixos varchar(4),
    ano_modelo varchar(4),
    ano_fabricacao varchar(4),
    tipo_pintura varchar(1),
    tipo_veiculo varchar(2),
    especie_veiculo varchar(1),
    condicao_vin varchar(1),
    condicao_veiculo varchar(1),
    codigo_marca_modelo varchar(6),
    codigo_cor_denatran varchar(2),
    lotacao integer,
    restricao_veiculo varchar(1),
    tipo_arma varchar(1),
    numero_serie_arma varchar(15),
    numero_serie_cano varchar(15),
    descricao_arma varchar(256),
    valor_total_tributos numeric(15,2),
    created_at timestamp default current_timestamp
);

create table nf_itens_cofins (
    id serial primary key,
    nf_item_id integer references nf_itens(id) on delete cascade,
    cst varchar(2),
    valor_bc numeric(15,2),
    aliquota numeric(5,2),
    quantidade_vendida numeric(15,4),
    aliquota_reais numeric(15,4),
    valor_cofins numeric(15,2),
    valor_bc_st numeric(15,2),
    aliquota_st numeric(5,2),
    quantidade_vendida_st numeric(15,4),
    aliquota_reais_st numeric(15,4),
    valor_cofins_st numeric(15,2),
    created_at timestamp default current_timestamp
);

create table nf_itens_combustivel (
    id serial primary key,
    nf_item_id integer references nf_itens(id) on delete cascade,
    codigo_anp varchar(9) not null,
    percentual_glp numeric(5,2),
    percentual_gas_natural_nacional numeric(5,2),
    percentual_gas_natural_importado numeric(5,2),
    valor_partida numeric(15,2),
    codigo_if varchar(21),
    uf_consumo char(2),
    base_calculo_cide numeric(15,2),
    aliquota_cide numeric(15,4),
    valor_cide numeric(15,2),
    created_at timestamp default current_timestamp
);

create table nf_itens_di (
    id serial primary key,
    nf_item_id integer references nf_itens(id) on delete cascade,
    numero_di varchar(12) not null,
    data_registro date not null,
    local_desembaraco varchar(60) not null,
    uf_desembaraco char(2) not null,
    data_desembaraco date not null,
    tipo_via_transporte varchar(1),
    valor_afrmm numeric(15,2),
    tipo_intermediacao varchar(1),
    cnpj_adquirente varchar(14),
    uf_adquirente char(2),
    codigo_exportador varchar(60),
    created_at timestamp default current_timestamp
);

create table nf_itens_di_adicoes (
    id serial primary key,
    di_id integer references nf_itens_di(id) on delete cascade,
    numero_adicao integer not null,
    numero_sequencial integer not null,
    codigo_fabricante varchar(60),
    valor_desconto numeric(15,2),
    numero_drawback integer,
    created_at timestamp default current_timestamp
);

create table nf_itens_icms (
    id serial primary key,
    nf_item_id integer references nf_itens(id) on delete cascade,
    origem varchar(1) not null,
    cst varchar(3),
    csosn varchar(4),
    modalidade_bc varchar(1),
    percentual_reducao_bc numeric(5,2),
    valor_bc numeric(15,2),
    aliquota numeric(5,2),
    valor_icms numeric(15,2),
    valor_icms_desonerado numeric(15,2),
    motivo_desoneracao varchar(2),
    percentual_fcp numeric(5,2),
    valor_fcp numeric(15,2),
    modalidade_bc_st varchar(1),
    percentual_mva_st numeric(5,2),
    percentual_reducao_bc_st numeric(5,2),
    valor_bc_st numeric(15,2),
    aliquota_st numeric(5,2),
    valor_icms_st numeric(15,2),
    percentual_fcp_st numeric(5,2),
    valor_fcp_st numeric(15,2),
    percentual_bc_operacao numeric(5,2),
    aliquota_icms_uf_destino numeric(5,2),
    aliquota_interestadual numeric(5,2),
    percentual_provisorio numeric(5,2),
    valor_icms_efetivo numeric(15,2),
    aliquota_credito_sn numeric(5,2),
    valor_credito_sn numeric(15,2),
    quantidade_bc_mono numeric(15,4),
    aliquota_icms_mono numeric(5,2),
    valor_icms_mono numeric(15,2),
    valor_bc_uf_destino numeric(15,2),
    valor_bc_fcp_uf_destino numeric(15,2),
    percentual_fcp_uf_destino numeric(5,2),
    aliquota_interna_uf_destino numeric(5,2),
    aliquota_interestadual_uf_envolvidas numeric(5,2),
    percentual_provisorio_partilha numeric(5,2),
    valor_icms_uf_destino numeric(15,2),
    valor_icms_uf_remetente numeric(15,2),
    valor_fcp_uf_destino numeric(15,2),
    created_at timestamp default current_timestamp
);

create table nf_itens_ii (
    id serial primary key,
    nf_item_id integer references nf_itens(id) on delete cascade,
    valor_bc numeric(15,2) not null,
    valor_despesas_aduaneiras numeric(15,2),
    valor_iof numeric(15,2),
    valor_ii numeric(15,2) not null,
    created_at timestamp default current_timestamp
);

create table nf_itens_ipi (
    id serial primary key,
    nf_item_id integer references nf_itens(id) on delete cascade,
    cnpj_produtor varchar(14),
    codigo_selo_controle varchar(60),
    quantidade_selo_controle integer,
    codigo_enquadramento_legal varchar(3),
    cst varchar(2),
    valor_bc numeric(15,2),
    quantidade_unidade numeric(15,4),
    aliquota numeric(5,2),
    valor_unidade numeric(15,4),
    valor_ipi numeric(15,2),
    created_at timestamp default current_timestamp
);

create table nf_itens_issqn (
    id serial primary key,
    nf_item_id integer references nf_itens(id) on delete cascade,
    valor_bc numeric(15,2),
    aliquota numeric(5,2),
    valor_issqn numeric(15,2),
    codigo_municipio_incidencia varchar(7),
    codigo_servico varchar(20),
    valor_deducao numeric(15,2),
    valor_outras_retencoes numeric(15,2),
    valor_desconto_incondicionado numeric(15,2),
    valor_desconto_condicionado numeric(15,2),
    valor_retencao_iss numeric(15,2),
    indicador_iss varchar(1),
    codigo_servico_municipio varchar(20),
    codigo_municipio_geracao_credito varchar(7),
    codigo_pais varchar(4),
    numero_processo varchar(30),
    indicador_incentivo_fiscal varchar(1),
    created_at timestamp default current_timestamp
);

create table nf_itens_pis (
    id serial primary key,
    nf_item_id integer references nf_itens(id) on delete cascade,
    cst varchar(2),
    valor_bc numeric(15,2),
    aliquota numeric(5,2),
    quantidade_vendida numeric(15,4),
    aliquota_reais numeric(15,4),
    valor_pis numeric(15,2),
    valor_bc_st numeric(15,2),
    aliquota_st numeric(5,2),
    quantidade_vendida_st numeric(15,4),
    aliquota_reais_st numeric(15,4),
    valor_pis_st numeric(15,2),
    created_at timestamp default current_timestamp
);

create table nf_itens_rastreabilidade (
    id serial primary key,
    nf_item_id integer references nf_itens(id) on delete cascade,
    numero_lote varchar(20) not null,
    quantidade_lote numeric(11,3) not null,
    data_fabricacao date not null,
    data_validade date not null,
    codigo_agregacao varchar(20),
    created_at timestamp default current_timestamp
);

create table nf_pagamentos (
    id serial primary key,
    nota_fiscal_id integer references notas_fiscais(id) on delete cascade,
    indicador_pagamento varchar(1),
    forma_pagamento varchar(2) not null,
    valor_pagamento numeric(15,2) not null,
    tipo_integracao varchar(1),
    cnpj_credenciadora varchar(14),
    bandeira_cartao varchar(2),
    numero_autorizacao varchar(20),
    cnpj_psp varchar(14),
    end_to_end_id varchar(60),
    created_at timestamp default current_timestamp
);

create table nf_processamento (
    id serial primary key,
    nota_fiscal_id integer references notas_fiscais(id),
    tipo_processamento varchar(20)
        check (tipo_processamento in ('autorizacao', 'cancelamento', 'inutilizacao', 'cce')),
    numero_lote varchar(15),
    numero_recibo varchar(15),
    data_hora_envio timestamp,
    tempo_medio integer,
    codigo_status varchar(3),
    motivo_status varchar(255),
    xml_enviado text,
    xml_retorno text,
    created_at timestamp default current_timestamp
);

create table nf_referencias (
    id serial primary key,
    nota_fiscal_id integer references notas_fiscais(id) on delete cascade,
    tipo varchar(10) check (tipo in ('nfe', 'nfce', 'modelo1', 'cte', 'nfp', 'ecf')),
    chave_acesso_referenciada varchar(44),
    ref_uf char(2),
    ref_ano_mes varchar(4),
    ref_cnpj varchar(14),
    ref_modelo varchar(2),
    ref_serie varchar(3),
    ref_numero_nf integer,
    ref_cpf_cnpj_produtor varchar(14),
    ref_inscricao_estadual varchar(14),
    chave_acesso_cte varchar(44),
    ref_modelo_ecf varchar(20),
    ref_numero_ecf integer,
    ref_numero_coo integer,
    created_at timestamp default current_timestamp
);

create table nf_transporte (
    id serial primary key,
    nota_fiscal_id integer references notas_fiscais(id) on delete cascade,
    modalidade_frete char(1) not null,
    transportadora_cpf_cnpj varchar(14),
    transportadora_nome varchar(60),
    transportadora_inscricao_estadual varchar(14),
    transportadora_endereco varchar(60),
    transportadora_municipio varchar(60),
    transportadora_uf char(2),
    valor_servico numeric(15,2),
    valor_bc_retencao_icms numeric(15,2),
    aliquota_retencao numeric(5,2),
    valor_icms_retido numeric(15,2),
    cfop_transporte varchar(4),
    codigo_municipio_ocorrencia varchar(7),
    placa_veiculo varchar(8),
    uf_veiculo char(2),
    rntc varchar(20),
    identificacao varchar(20),
    created_at timestamp default current_timestamp
);

create table nf_transporte_reboque (
    id serial primary key,
    transporte_id integer references nf_transporte(id) on delete cascade,
    placa varchar(8) not null,
    uf char(2) not null,
    rntc varchar(20),
    created_at timestamp default current_timestamp
);

create table nf_transporte_volumes (
    id serial primary key,
    transporte_id integer references nf_transporte(id) on delete cascade,
    quantidade integer,
    especie varchar(60),
    marca varchar(60),
    numeracao varchar(60),
    peso_liquido numeric(15,3),
    peso_bruto numeric(15,3),
    created_at timestamp default current_timestamp
);

create table nf_transporte_volumes_lacres (
    id serial primary key,
    volume_id integer references nf_transporte_volumes(id) on delete cascade,
    numero_lacre varchar(60) not null,
    created_at timestamp default current_timestamp
);

create function update_updated_at_column() returns trigger language plpgsql as $$
begin
    new.updated_at = current_timestamp;
    return new;
end
$$;
create trigger update_empresas_updated_at before update on empresas
    for each row execute function update_updated_at_column();
create trigger update_notas_fiscais_updated_at before update on notas_fiscais
    for each row execute function update_updated_at_column();

create view vw_notas_fiscais_resumo as
select nf.id, nf.chave_acesso, nf.numero_nf, nf.serie, nf.data_hora_emissao, nf.natureza_operacao,
       nf.tipo_operacao, nf.status, e.razao_social as emitente, e.cpf_cnpj as emitente_cpf_cnpj,
       d.razao_social as destinatario, d.cpf_cnpj as destinatario_cpf_cnpj,
       nf.valor_total_produtos, nf.valor_total_nota, nf.valor_icms, nf.valor_ipi, nf.valor_pis,
       nf.valor_cofins, count(i.id) as quantidade_itens
  from notas_fiscais nf
  left join empresas e on nf.emitente_id = e.id
  left join empresas d on nf.destinatario_id = d.id
  left join nf_itens i on nf.id = i.nota_fiscal_id
 group by nf.id, e.razao_social, e.cpf_cnpj, d.razao_social, d.cpf_cnpj;

create view vw_nf_itens_completo as
select nf.chave_acesso, nf.numero_nf, nf.serie, i.numero_item, i.codigo_produto, i.descricao,
       i.ncm, i.cfop, i.quantidade_comercial, i.valor_unitario_comercial, i.valor_total_bruto,
       icms.valor_bc as icms_bc, icms.valor_icms, ipi.valor_ipi, pis.valor_pis, cofins.valor_cofins
  from nf_itens i
  join notas_fiscais nf on i.nota_fiscal_id = nf.id
  left join nf_itens_icms icms on i.id = icms.nf_item_id
  left join nf_itens_ipi ipi on i.id = ipi.nf_item_id
  left join nf_itens_pis pis on i.id = pis.nf_item_id
  left join nf_itens_cofins cofins on i.id = cofins.nf_item_id;

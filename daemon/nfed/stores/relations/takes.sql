-- A protocol is for the content whose digest it names: the one in the Signature, which files of older
-- versions of nfed have only in their text. One that names none is for any.
(coalesce({p}.digest_value, '') = ''
 or trim({p}.digest_value) = {n}.digest_assinatura
 or ({n}.digest_assinatura is null
     and (coalesce({n}.{xml}, '') not like '%DigestValue>%'
          or {n}.{xml} like '%DigestValue>' || trim({p}.digest_value) || '<%')))

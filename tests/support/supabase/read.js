// What a dashboard does: reads by supabase-js what stdin asks for, and writes it as JSON.
import { createClient } from "@supabase/supabase-js";
import { json } from "node:stream/consumers";

const asked = await json(process.stdin);
const project = createClient(asked.url, asked.key, { auth: { persistSession: false } });

async function rows(name, query) {
  const { data, count, error } = await query;
  if (error) throw new Error(`${name}: ${JSON.stringify(error)}`);
  return count === null ? data : { count, data };
}

const seen = {};
for (const [name, columns] of Object.entries(asked.relations)) {
  let query = project.from(name).select(columns.join(","), { count: "exact" });
  for (const column of asked.order[name]) query = query.order(column);
  seen[name] = await rows(name, query);
}
for (const [parent, child] of asked.embedded) {
  const query = project.from(parent).select(`id, ${child}(id)`).order("id");
  seen[`${parent} with ${child}`] = await rows(`${parent} with ${child}`, query);
}
seen.parties = await rows(
  "parties",
  project
    .from("notas_fiscais")
    .select(
      "chave_acesso, emitente:empresas!emitente_id(razao_social, cpf_cnpj)," +
        "destinatario:empresas!destinatario_id(razao_social), nf_itens(descricao, nf_itens_icms(valor_icms))",
    )
    .order("id"),
);
seen.filtered = await rows(
  "filtered",
  project
    .from("notas_fiscais")
    .select("id, data_hora_emissao, valor_total_nota, status")
    .eq("status", "autorizada")
    .gte("data_hora_emissao", "2026-02-01")
    .gt("valor_total_nota", 1)
    .order("data_hora_emissao", { ascending: false })
    .limit(2),
);
const { data: one } = await project.from("vw_notas_fiscais_resumo").select().eq("id", 1).single();
seen.names = Object.keys(one);
process.stdout.write(JSON.stringify(seen));

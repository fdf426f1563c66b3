WITH begun AS MATERIALIZED (
    SELECT seq, data, substring(data FROM '"rule":"([^"]*)"') AS rule FROM ledger.events
    WHERE subject LIKE 'ledger.v1.fee_rule.created.%'
), ended AS MATERIALIZED (
    SELECT seq, substring(data FROM '"rule":"([^"]*)"') AS rule FROM ledger.events
    WHERE subject LIKE 'ledger.v1.fee_rule.deactivated.%'
), told AS (
    SELECT rule, begun.seq, begun.data, ended.seq AS ended_seq
    FROM begun LEFT JOIN ended USING (rule)
), held AS (
    SELECT 'fee_' || replace(id::text, '-', '') AS rule, seq, terms, ended_seq
    FROM ledger.fee_rules
)
-- The terms stand in the event as they are stored.
SELECT format('%s: the log has it from %s to %s, it is held from %s to %s%s', rule,
              coalesce(told.seq::text, 'nowhere'), coalesce(told.ended_seq::text, 'now'),
              coalesce(held.seq::text, 'nowhere'), coalesce(held.ended_seq::text, 'now'),
              CASE WHEN position(trim('{}' FROM held.terms) IN told.data) = 0
                   THEN ', and with other terms' END)
FROM told
FULL JOIN held USING (rule)
WHERE (told.seq, told.ended_seq) IS DISTINCT FROM (held.seq, held.ended_seq)
   OR position(trim('{}' FROM held.terms) IN told.data) = 0

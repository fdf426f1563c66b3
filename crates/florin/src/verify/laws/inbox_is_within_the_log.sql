SELECT format('%s claims to have handled %s of %s, the log has %s', consumer,
              done - int8multirange(int8range(1, head.seq, '[]')), source,
              int8range(1, head.seq, '[]'))
FROM inbox
CROSS JOIN ledger.head
WHERE NOT done <@ int8multirange(int8range(1, head.seq, '[]'))

-- Whoever settles a dead letter writes its history in the same transaction, and nobody comes second.
SELECT format('%s has dlt_%s as %s, and its history settles it %s times: %s', letter.consumer,
              replace(letter.id::text, '-', ''), letter.state, cardinality(settled.actions),
              array_to_string(settled.actions, ', '))
FROM dead_letters letter
CROSS JOIN LATERAL (
    SELECT ARRAY (SELECT action FROM dead_letter_history
                  WHERE dead_letter = letter.id AND action IN ('replayed', 'discarded')
                  ORDER BY id) AS actions
) settled
WHERE settled.actions IS DISTINCT FROM
      CASE letter.state WHEN 'parked' THEN '{}' ELSE ARRAY[letter.state] END

SELECT format('%s: all accounts together hold %s', currency, sum(posted))
FROM ledger.balances
GROUP BY currency
HAVING sum(posted) <> 0

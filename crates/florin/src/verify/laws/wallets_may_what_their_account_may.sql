-- A movement looks at its balances alone, so what holds for an account must stand on each of them.
-- Bits: 4 suspended, 8 closed, 32 limited, 64 account frozen. A wallet may be closed by itself, and
-- a balance may be frozen by itself (16). An account without a row restricts nothing.
SELECT format('wal_%s of "%s": its restrictions are %s, those of the account %s',
              replace(wallet.id::text, '-', ''), wallet.owner, wallet.restrictions,
              coalesce(account.restrictions, 0))
FROM ledger.wallets wallet
LEFT JOIN ledger.accounts account ON account.owner = wallet.owner
WHERE wallet.kind <> 'system'
  AND (wallet.restrictions & 100 <> coalesce(account.restrictions, 0) & 100
       OR wallet.restrictions & 8 < coalesce(account.restrictions, 0) & 8)
UNION ALL
SELECT format('%s of wal_%s: its restrictions are %s, those of the wallet %s',
              balance.currency, replace(balance.wallet_id::text, '-', ''), balance.restrictions,
              wallet.restrictions)
FROM ledger.balances balance
JOIN ledger.wallets wallet ON wallet.id = balance.wallet_id
WHERE wallet.kind <> 'system' AND balance.restrictions & ~16 <> wallet.restrictions

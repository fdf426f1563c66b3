SELECT 'x' WHERE false

-- The counters, and which of the given batches they include, at one moment.
--
-- KEYS  1 totals, 2 sources, then the claims of the batches
-- Returns {totals, sources, {1 or 0 for each batch}}; the first two as field, value, field, ...

local settled = {}
for n = 3, #KEYS do settled[#settled + 1] = redis.call('HEXISTS', KEYS[n], 'settled') end
return { redis.call('HGETALL', KEYS[1]), redis.call('HGETALL', KEYS[2]), settled }

-- Moves all items of a queue into another one of the same kind, with their counts. Versions that did
-- not tell the nodes apart had one queue; what a node that was forgotten had is not moved: its files
-- are not here.
--
-- KEYS  1 due (a sorted set: name → Unix ms), 2 that of the former queue, 3 the former's counts (a
--       hash), 4 those of the new one
-- ARGV  1 prefix of the items' keys
-- Returns how many items were moved.

local due, former, former_counts, counts = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local obstacle = find_obstacle(
  { [due] = 'zset', [former] = 'zset', [former_counts] = 'hash', [counts] = 'hash' },
  { ZADD = { due }, HSET = { ARGV[1] .. 'any' }, HINCRBY = { counts }, DEL = { former, former_counts } })
if obstacle then return obstacle end

local items = redis.call('ZRANGE', former, 0, -1, 'WITHSCORES')
for at = 1, #items, 2 do
  redis.call('ZADD', due, items[at + 1], items[at])
  redis.call('HSET', ARGV[1] .. items[at], 'queue', due)
end
local numbers = redis.call('HGETALL', former_counts)
for at = 1, #numbers, 2 do redis.call('HINCRBY', counts, numbers[at], numbers[at + 1]) end
redis.call('DEL', former, former_counts)
return #items / 2

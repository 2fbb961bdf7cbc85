-- Ends the lease of a listing: adds the next part of what it lists to the backlog, moves its cursor
-- and counts, all at once. A listing whose process dies before this lists the same part again.
--
-- KEYS  1 due (a sorted set: name → Unix ms), 2 failing (a set of names), 3 tally (a hash),
--       4 lists of addresses (a hash: number → list)
-- ARGV  1 prefix of the items' keys, 2 token, 3 name of the listing, 4 ms until it is due again
--       (-1: it is removed), 5 its cursor ('': it begins again), 6 the list of KEYS 4 that was
--       added and is removed ('': none), 7 number by which `listed` and `unfetched` grow, then for
--       each item three: host, weight (addresses or objects in it), content
-- Returns 1, or 0 if the lease had expired and another process has it now: then nothing is written.

local due, failing, tally, lists = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local items, token, name, wait = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local cursor, used, listed = ARGV[5], ARGV[6], ARGV[7]
local FIRST, WIDTH = 8, 3
local listing, any_item = items .. name, items .. 'any'

local obstacle = find_obstacle({
  [due] = 'zset', [failing] = 'set', [tally] = 'hash', [lists] = 'hash', [listing] = 'hash',
}, {
  HGET = { listing }, HSET = { any_item, tally }, HDEL = { any_item, tally, lists },
  HINCRBY = { any_item, tally }, ZADD = { due }, ZREM = { due }, SREM = { failing }, DEL = { any_item },
})
if obstacle then return obstacle end
if redis.call('HGET', listing, 'lease') ~= token then return 0 end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function integer(number) return string.format('%.0f', number) end

local owner = redis.call('HGET', listing, 'owner')
for at = FIRST, #ARGV, WIDTH do
  local number = redis.call('HINCRBY', tally, 'number', 1)
  local item = name .. '/' .. number
  redis.call('HSET', items .. item, 'host', ARGV[at], 'weight', ARGV[at + 1], 'content',
    ARGV[at + 2], 'tally', tally, 'owner', owner)
  redis.call('ZADD', due, integer(now), item)
  redis.call('HINCRBY', tally, 'items', 1)
end
redis.call('HINCRBY', tally, 'listed', listed)
redis.call('HINCRBY', tally, 'unfetched', listed)
if used ~= '' then redis.call('HDEL', lists, used) end
redis.call('SREM', failing, name)
if wait < 0 then
  redis.call('HDEL', tally, 'listing')
  redis.call('DEL', listing)
  redis.call('ZREM', due, name)
else
  redis.call('HSET', listing, 'cursor', cursor)
  redis.call('HDEL', listing, 'lease', 'failures', 'problem', 'takes')
  redis.call('ZADD', due, integer(now + wait), name)
end
return 1

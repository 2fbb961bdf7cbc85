-- Notes the server's time. Where it is earlier than the time noted before, the clock was ahead and
-- has been set back: what that clock scheduled comes forward by as much.
--
-- KEYS  1 due (a sorted set: name → Unix ms), 2 the note (a hash)
-- Returns how many items came forward.
--
-- All that was due up to the time noted was due under the clock that was ahead, so it was leased,
-- or is due soon. What is due after that was mostly scheduled by that clock; the rest is fetched
-- once too early. Without this a clock 8 hours ahead for 8 seconds stopped each feed polled then.

local due, note = KEYS[1], KEYS[2]
local TOLERANCE = 2000 -- after a failover the clocks of two servers may differ by a little
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function integer(number) return string.format('%.0f', number) end

local obstacle = find_obstacle({ [due] = 'zset', [note] = 'hash' }, {
  HGET = { note }, HSET = { note }, ZRANGEBYSCORE = { due }, ZADD = { due },
})
if obstacle then return obstacle end

local noted = tonumber(redis.call('HGET', note, 'ms') or '0')
local later = {}
if noted > now + TOLERANCE then
  later = redis.call('ZRANGEBYSCORE', due, '(' .. integer(noted), '+inf', 'WITHSCORES')
  for at = 1, #later, 2 do
    redis.call('ZADD', due, integer(tonumber(later[at + 1]) - (noted - now)), later[at])
  end
end
redis.call('HSET', note, 'ms', integer(now))
return #later / 2

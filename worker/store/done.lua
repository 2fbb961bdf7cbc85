-- Gives back what was handed out to be fetched: what is remembered of it, and when it is due next.
--
-- KEYS  1 due, 2 failing (a set of names)
-- ARGV  1 prefix of the items' keys, 2 prefix of the hosts' keys, 3 token, then for each item:
--       name, ms until it is due (-1: never again, it is removed), host that counts it, host that
--       answered, ms for which that one is left in peace, ms between two fetches that its host asks
--       for (-1: it did not say), number of fields, then so many pairs of field and value
--       ('': forgotten)
-- Returns for each item 1, or 0 where its lease had ended and somebody else has it now: then nothing
-- of it is written.

local due, failing = KEYS[1], KEYS[2]
local items, hosts, token = ARGV[1], ARGV[2], ARGV[3]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local answers, at, HOST_LIVES = {}, 4, 172800
while at <= #ARGV do
  local name, after, host = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2]
  local answered, cool = hosts .. ARGV[at + 3], tonumber(ARGV[at + 4])
  local delay, count = tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6])
  local item, gate = items .. name, hosts .. host
  local first = at + 7
  at = first + 2 * count
  redis.call('HDEL', gate, 'b:' .. item)
  if delay == 0 then redis.call('HDEL', gate, 'delay') end
  if delay > 0 then
    redis.call('HSET', gate, 'delay', string.format('%.0f', delay))
    redis.call('EXPIRE', gate, HOST_LIVES)
  end
  if cool > 0 then
    local before = tonumber(redis.call('HGET', answered, 'cool') or '0')
    redis.call('HSET', answered, 'cool', string.format('%.0f', math.max(before, now + cool)))
    redis.call('EXPIRE', answered, HOST_LIVES)
  end
  if redis.call('HGET', item, 'lease') ~= token then
    answers[#answers + 1] = 0
  elseif after < 0 then
    redis.call('DEL', item)
    redis.call('ZREM', due, name)
    redis.call('SREM', failing, name)
    answers[#answers + 1] = 1
  else
    redis.call('HDEL', item, 'lease')
    for n = first, at - 2, 2 do
      if ARGV[n + 1] == '' then
        redis.call('HDEL', item, ARGV[n])
      else
        redis.call('HSET', item, ARGV[n], ARGV[n + 1])
      end
    end
    if redis.call('HEXISTS', item, 'failures') == 1 or redis.call('HEXISTS', item, 'bad') == 1 then
      redis.call('SADD', failing, name)
    else
      redis.call('SREM', failing, name)
    end
    -- What the feed itself asks for may have been read meanwhile. One that went from the catalog
    -- while it was in hand does not come back by this.
    local said = redis.call('HMGET', item, 'hold', 'observed_ms', 'was_due')
    local held = math.min(now, tonumber(said[2] or '0')) + tonumber(said[1] or '0') * 1000
    if not said[3] then
      redis.call('ZADD', due, string.format('%.0f', math.max(now + after, held)), name)
    end
    answers[#answers + 1] = 1
  end
end
return answers

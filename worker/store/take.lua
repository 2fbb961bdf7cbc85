-- Hands out what is due to be fetched, as far as its hosts may be asked now.
--
-- KEYS  1 due (a sorted set: name → Unix ms)
-- ARGV  1 prefix of the items' keys, 2 prefix of the hosts' keys, 3 how many, 4 lease (ms), 5 token,
--       6 ms between two fetches from a host, 7 fetches at once from a host, then the fields wanted
-- Returns {1 where more may be due, name, {values of the fields}, name, {…}, …}.
--
-- What is handed out is due again when its lease ends: whoever dies with it gives it back so. Of a
-- host that may not be asked now each item gets a turn of its own further on, so that a thousand
-- feeds of one host are not looked at again and again. Items' and hosts' keys are in the same slot.

local due = KEYS[1]
local items, hosts, wanted = ARGV[1], ARGV[2], tonumber(ARGV[3])
local lease, token, every, most = tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
local FIRST, LOOKED_AT, BUSY_WAIT, HOST_LIVES = 8, wanted * 4 + 50, 250, 172800

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Feeds do not stand behind the pages of their host, nor these behind them.
local tail = 'tail:' .. items

local fields = {}
for at = FIRST, #ARGV do fields[#fields + 1] = ARGV[at] end

local function gate_of(host)
  local gate = { key = hosts .. host, cool = 0, next = 0, [tail] = 0, delay = 0, busy = 0 }
  local said = redis.call('HGETALL', gate.key)
  for at = 1, #said, 2 do
    local name, value = said[at], tonumber(said[at + 1])
    if string.sub(name, 1, 2) == 'b:' then
      if value > now then gate.busy = gate.busy + 1 else redis.call('HDEL', gate.key, name) end
    else
      gate[name] = value
    end
  end
  return gate
end

local looked = redis.call('ZRANGEBYSCORE', due, '-inf', now, 'WITHSCORES', 'LIMIT', 0, LOOKED_AT)
local found, count, gates = { #looked == 2 * LOOKED_AT and 1 or 0 }, 0, {}

for at = 1, #looked, 2 do
  local name = looked[at]
  if count >= wanted then
    found[1] = 1
    break
  end
  local item = items .. name
  local host = redis.call('HGET', item, 'host')
  if not host then
    redis.call('ZREM', due, name)
  else
    local gate = gates[host] or gate_of(host)
    gates[host] = gate
    local pace = math.max(every, gate.delay)
    local free = math.max(gate.cool, gate.next)
    if free > now then
      gate[tail] = math.max(free, gate[tail] + pace)
      local turn = string.format('%.0f', gate[tail])
      redis.call('HSET', gate.key, tail, turn)
      redis.call('ZADD', due, turn, name)
    elseif gate.busy >= most then
      redis.call('ZADD', due, string.format('%.0f', now + BUSY_WAIT), name)
    else
      gate.busy, gate.next = gate.busy + 1, now + pace
      local till = string.format('%.0f', now + lease)
      redis.call('HSET', gate.key, 'b:' .. item, till, 'next', string.format('%.0f', gate.next))
      redis.call('ZADD', due, till, name)
      redis.call('HSET', item, 'lease', token)
      redis.call('HINCRBY', item, 'takes', 1)
      -- Somebody wanted it now: that says nothing of how often it should be.
      if tonumber(looked[at + 1]) == 0 then redis.call('HSET', item, 'asked', 1) end
      count = count + 1
      found[#found + 1] = name
      found[#found + 1] = redis.call('HMGET', item, unpack(fields))
    end
  end
end

for _, gate in pairs(gates) do redis.call('EXPIRE', gate.key, HOST_LIVES) end
return found

-- Leases items that are due, as far as the pace of their hosts allows.
--
-- KEYS  1 due (a sorted set: name → Unix ms)
-- ARGV  1 prefix of the items' keys, 2 prefix of the hosts' keys, 3 maximum number of items,
--       4 lease (ms), 5 token, 6 ms between two fetches from a host, 7 connections to a host at
--       once, then the fields of the items' hashes to return
-- Returns {1 if more may be due, name, {values of the fields}, name, {…}, …}.
--
-- A leased item is due again when its lease ends, so the leases of a dead worker expire. If a host
-- is not free yet, each of its items gets a later time of its own, so that a thousand feeds of one
-- host are not examined again and again. The keys of items and hosts are in the slot of KEYS 1.

local due = KEYS[1]
local items, hosts, wanted = ARGV[1], ARGV[2], tonumber(ARGV[3])
local lease, token = tonumber(ARGV[4]), ARGV[5]
local interval, connections = tonumber(ARGV[6]), tonumber(ARGV[7])
local FIRST, MAX_EXAMINED, BUSY_WAIT, HOST_LIVES = 8, wanted * 4 + 50, 250, 172800
local LONGEST_LEASE, LONGEST_COOL = lease + 3600000, 86400000

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function integer(number) return string.format('%.0f', number) end

-- The last time given to an item of this host that has to wait. Feeds and pages have one each, so
-- that neither waits for the other.
local tail = 'tail:' .. items

local fields = {}
for at = FIRST, #ARGV do fields[#fields + 1] = ARGV[at] end

local function read_host(name)
  local host = { key = hosts .. name, cool = 0, next = 0, [tail] = 0, delay = 0, busy = 0 }
  local state = redis.call('HGETALL', host.key)
  for at = 1, #state, 2 do
    local field, value = state[at], tonumber(state[at + 1])
    if string.sub(field, 1, 2) ~= 'b:' then
      host[field] = value
    elseif value > now and value < now + LONGEST_LEASE then
      host.busy = host.busy + 1
    else
      redis.call('HDEL', host.key, field)
    end
  end
  -- Times further ahead than this script and finish.lua ever set them are of a clock that was
  -- ahead: they count as past.
  local pause = math.max(interval, host.delay)
  local furthest = {
    cool = LONGEST_COOL, next = pause, [tail] = LONGEST_COOL + pause * redis.call('ZCARD', due),
  }
  for field, wait in pairs(furthest) do
    if host[field] > now + wait then host[field] = 0 end
  end
  return host
end

-- The rights on one item's and one host's key are those on all.
local any_item, any_host = items .. 'any', hosts .. 'any'
local obstacle = find_obstacle({ [due] = 'zset' }, {
  HGET = { any_item }, HMGET = { any_item }, HGETALL = { any_host }, HDEL = { any_host },
  HSET = { any_item, any_host }, HINCRBY = { any_item }, EXPIRE = { any_host },
  ZADD = { due }, ZREM = { due }, ZCARD = { due },
})
if obstacle then return obstacle end

local examined = redis.call(
  'ZRANGEBYSCORE', due, '-inf', now, 'WITHSCORES', 'LIMIT', 0, MAX_EXAMINED)
local found, count, by_name = { #examined == 2 * MAX_EXAMINED and 1 or 0 }, 0, {}

for at = 1, #examined, 2 do
  local name = examined[at]
  if count >= wanted then
    found[1] = 1
    break
  end
  local item = items .. name
  local host_name = redis.call('HGET', item, 'host')
  if not host_name then
    redis.call('ZREM', due, name)
  else
    local host = by_name[host_name] or read_host(host_name)
    by_name[host_name] = host
    local pause = math.max(interval, host.delay)
    local free_at = math.max(host.cool, host.next)
    if free_at > now then
      host[tail] = math.max(free_at, host[tail] + pause)
      redis.call('HSET', host.key, tail, integer(host[tail]))
      redis.call('ZADD', due, integer(host[tail]), name)
    elseif host.busy >= connections then
      redis.call('ZADD', due, integer(now + BUSY_WAIT), name)
    else
      host.busy, host.next = host.busy + 1, now + pause
      local lease_end = integer(now + lease)
      redis.call('HSET', host.key, 'b:' .. item, lease_end, 'next', integer(host.next))
      redis.call('ZADD', due, lease_end, name)
      redis.call('HSET', item, 'lease', token)
      redis.call('HINCRBY', item, 'takes', 1)
      -- A score of 0: a person asked for this fetch, so it must not change the interval.
      if tonumber(examined[at + 1]) == 0 then redis.call('HSET', item, 'asked', 1) end
      count = count + 1
      found[#found + 1] = name
      found[#found + 1] = redis.call('HMGET', item, unpack(fields))
    end
  end
end

for _, host in pairs(by_name) do redis.call('EXPIRE', host.key, HOST_LIVES) end
return found

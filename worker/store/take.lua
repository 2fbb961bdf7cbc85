-- Leases items that are due, as far as the pace of their hosts allows.
--
-- KEYS  1 due (a sorted set: name → Unix ms); of spare items also those of the items that they
--       yield to
-- ARGV  1 prefix of the items' keys, 2 prefix of the hosts' keys, 3 maximum number of items,
--       4 lease (ms), 5 token, 6 ms between two fetches from a host, 7 connections to a host at
--       once, 8 0 or, for spare items, of how many turns of a host they may have one, then the
--       fields of the items' hashes to return
-- Returns {1 if more may be due, ms until the next item is due (-1: none), name, ms that it had to
-- wait for its host's pace (-1: a person asked for it, -2: it is too late), {values of the
-- fields}, name, …}.
--
-- A leased item is due again when its lease ends, so the leases of a dead worker expire. If a host
-- is not free yet, each of its items gets a later time of its own, so that a thousand feeds of one
-- host are not examined again and again; an item whose time came too early by less than a pause
-- has the host's next one instead (else 500 feeds of one host needed 17 minutes a round at 1 s).
-- Feeds and pages of a host take turns: the kind that was fetched last yields to one that waits.
-- Spare items have the turns that neither wants; the others do not see that one waits.
-- The keys of items and hosts are in the slot of KEYS 1.

local due = KEYS[1]
local items, hosts, wanted = ARGV[1], ARGV[2], tonumber(ARGV[3])
local lease, token = tonumber(ARGV[4]), ARGV[5]
local interval, connections, every = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local is_spare = every > 0
local FIRST, MAX_EXAMINED, HOST_LIVES = 9, wanted * 4 + 50, 172800
local BUSY_WAIT, YIELD_WAIT, PATIENCE = 250, 50, 1000
local LONGEST_LEASE, LONGEST_COOL, LONGEST_YIELD = lease + 3600000, 86400000, 3600000

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function integer(number) return string.format('%.0f', number) end

-- The last time given to an item of this host that has to wait. Feeds and pages have one each, so
-- that neither waits for the other.
local tail = 'tail:' .. items
-- When a waiting item of this kind checks the host again; one each, too.
local waits = 'waits:' .. items
-- How many had to wait since the last one was leased: the order among them.
local place = 'place:' .. items
-- When the host may have its next spare item.
local share = 'share:' .. items

local fields = {}
for at = FIRST, #ARGV do fields[#fields + 1] = ARGV[at] end

local function read_host(name)
  local host = { key = hosts .. name, cool = 0, next = 0, [tail] = 0, delay = 0, busy = 0 }
  host[place], host[share], host.wanted_until = 0, 0, 0
  local state = redis.call('HGETALL', host.key)
  for at = 1, #state, 2 do
    local field, value = state[at], tonumber(state[at + 1])
    if field == 'last' then
      host.last = state[at + 1]
    elseif string.sub(field, 1, 6) == 'waits:' and field ~= waits then
      -- An item that did not check for a second was removed, or its process ended.
      host.other_waits = host.other_waits or (value <= now and value > now - PATIENCE)
      host.wanted_until = math.max(host.wanted_until, value + PATIENCE)
    elseif string.sub(field, 1, 5) == 'tail:' and field ~= tail then
      host.wanted_until = math.max(host.wanted_until, value)
    elseif string.sub(field, 1, 2) ~= 'b:' then
      host[field] = value
    elseif value > now and value < now + LONGEST_LEASE then
      host.busy = host.busy + 1
    else
      redis.call('HDEL', host.key, field)
    end
  end
  host.stored_place = host[place]
  if (host[waits] or 0) > now then host.waits = host[waits] end
  -- Times further ahead than this script and finish.lua ever set them are of a clock that was
  -- ahead: they count as past.
  local pause = math.max(interval, host.delay)
  local furthest = {
    cool = LONGEST_COOL, next = pause, [share] = pause * every, wanted_until = LONGEST_YIELD,
    [tail] = LONGEST_COOL + pause * math.max(1, every) * redis.call('ZCARD', due),
  }
  for field, wait in pairs(furthest) do
    if host[field] > now + wait then host[field] = 0 end
  end
  return host
end

-- Gives an item that has to wait its next time. Each is a thousandth of a millisecond behind the
-- one before, so that they keep their order.
local function put_off(host, item, name, score, at)
  -- A wait that no worker noticed, or that the host itself requested, is not a delay by the pace.
  if score == 0 then
    redis.call('HSET', item, 'since', 0)
  elseif host.cool > now then
    redis.call('HSET', item, 'since', integer(at))
  else
    redis.call('HSETNX', item, 'since', integer(now))
  end
  host.waits = math.min(host.waits or at, math.floor(at))
  redis.call('ZADD', due, string.format('%.3f', at + host[place] / 1000), name)
  host[place] = (host[place] + 1) % 900
end

-- The next time of an item whose host is not free. One that waited before comes first.
local function find_time(host, item, pause, free_at)
  local has_waited = redis.call('HEXISTS', item, 'since') == 1
  if has_waited and free_at <= now + 2 * pause then return free_at end
  host[tail] = math.max(free_at, host[tail] + pause)
  redis.call('HSET', host.key, tail, integer(host[tail]))
  return host[tail] + 0.9
end

-- When a spare item checks its host again; now if it may be fetched.
local function find_spare_time(host, pause, free_at)
  local at = math.max(free_at, host[share], host.wanted_until)
  if at <= now and host.busy < connections then return now end
  host[tail] = math.max(at, now + BUSY_WAIT, host[tail] + every * pause)
  redis.call('HSET', host.key, tail, integer(host[tail]))
  return host[tail]
end

-- The rights on one item's and one host's key are those on all.
local any_item, any_host = items .. 'any', hosts .. 'any'
local obstacle = find_obstacle({ [due] = 'zset' }, {
  HGET = { any_item }, HMGET = { any_item }, HEXISTS = { any_item }, HGETALL = { any_host },
  HDEL = { any_item, any_host }, HSET = { any_item, any_host }, HSETNX = { any_item },
  HINCRBY = { any_item }, EXPIRE = { any_host }, ZADD = { due }, ZREM = { due }, ZCARD = { due },
})
if obstacle then return obstacle end

-- Due items that were not examined may need any host.
for at = 2, #KEYS do
  if redis.call('ZCOUNT', KEYS[at], '-inf', integer(now)) > 0 then return { 0, -1 } end
end

local examined = redis.call(
  'ZRANGEBYSCORE', due, '-inf', now, 'WITHSCORES', 'LIMIT', 0, MAX_EXAMINED)
local answer, count, by_name = { #examined == 2 * MAX_EXAMINED and 1 or 0, -1 }, 0, {}

local function take_turn(host, item, pause)
  host.busy, host.next = host.busy + 1, now + pause
  redis.call('HSET', host.key, 'b:' .. item, integer(now + lease), 'next', integer(host.next))
  if is_spare then
    host[share] = now + every * pause
    redis.call('HSET', host.key, share, integer(host[share]))
  else
    if host.last ~= items then redis.call('HSET', host.key, 'last', items) end
    if host[waits] then redis.call('HDEL', host.key, waits) end
    host.last, host.waits, host[waits], host[place] = items, nil, nil, 0
  end
end

local function lease_item(item, name, score, is_late)
  redis.call('ZADD', due, integer(now + lease), name)
  redis.call('HINCRBY', item, 'takes', 1)
  local waited_since = redis.call('HGET', item, 'since')
  if waited_since then redis.call('HDEL', item, 'since') end
  local since = score == 0 and 0 or tonumber(waited_since or now)
  -- A score of 0: a person asked for this fetch, so it must not change the interval.
  redis.call('HSET', item, 'lease', token, unpack(since == 0 and { 'asked', 1 } or {}))
  count = count + 1
  answer[#answer + 1] = name
  answer[#answer + 1] = is_late and -2 or since == 0 and -1 or math.max(0, now - since)
  answer[#answer + 1] = redis.call('HMGET', item, unpack(fields))
end

local function take_spare(host, item, name, score, pause, free_at)
  if tonumber(redis.call('HGET', item, 'late_ms') or '0') <= now then
    return lease_item(item, name, score, true)
  end
  local at = find_spare_time(host, pause, free_at)
  if at > now then
    redis.call('ZADD', due, integer(at), name)
  else
    take_turn(host, item, pause)
    lease_item(item, name, score)
  end
end

for at = 1, #examined, 2 do
  local name, score = examined[at], tonumber(examined[at + 1])
  if count >= wanted then
    answer[1] = 1
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
    if is_spare then
      take_spare(host, item, name, score, pause, free_at)
    elseif free_at > now then
      put_off(host, item, name, score, find_time(host, item, pause, free_at))
    elseif host.busy >= connections then
      put_off(host, item, name, score, now + BUSY_WAIT)
    elseif host.last == items and host.other_waits then
      put_off(host, item, name, score, now + YIELD_WAIT)
    else
      take_turn(host, item, pause)
      lease_item(item, name, score)
    end
  end
end

for _, host in pairs(by_name) do
  if host.waits then redis.call('HSET', host.key, waits, integer(host.waits)) end
  if not is_spare and host[place] ~= host.stored_place then
    redis.call('HSET', host.key, place, host[place])
  end
  redis.call('EXPIRE', host.key, HOST_LIVES)
end
local first = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')
if first[2] then answer[2] = math.max(0, math.ceil(tonumber(first[2]) - now)) end
return answer

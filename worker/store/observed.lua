-- Notes what was read of feeds' documents, once each: counts, what may have been missed, the pace.
--
-- KEYS  1 due, 2 claims of the batch, 3 failing (a set of names)
-- ARGV  1 prefix of the items' keys, 2 seconds that claims live, 3 factor of the interval after news,
--       4 after none, 5 after a gap, 6 interval that a new feed begins with (s), then for each document
--       seventeen: name, fetched (ms), entries ('' where it is a page), new, published, revised, duplicate,
--       rejected, prints (12 hex digits an entry), hold (s), title, reason ('' where it could be read),
--       message, shortest and longest interval (s), 1 where a schedule says when,
--       prints of entries that cannot be read
-- Returns 1, or 0 where the batch was noted before.
--
-- An entry's print is of what it is in its feed. Where no print of a document is among those of the
-- document before, entries between the two may have been missed: a gap.

local due, claims, failing, items = KEYS[1], KEYS[2], KEYS[3], ARGV[1]
local SHRINK, GROW, GAP = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local START = tonumber(ARGV[6])
local FIRST, WIDTH, PRINT = 7, 17, 12
local FIRST_BACKOFF, LONGEST_BACKOFF = 300, 86400

local function shares(before, prints)
  local known = {}
  for at = 1, #before, PRINT do known[string.sub(before, at, at + PRINT - 1)] = true end
  for at = 1, #prints, PRINT do
    if known[string.sub(prints, at, at + PRINT - 1)] then return true end
  end
  return false
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local LONGEST_HINT = 86400000

-- Workers' clocks may be wrong: what they say is never later than now, and no poll follows sooner
-- than the shortest interval after this.
local function due_at(fetched, wait, shortest)
  return math.max(math.min(fetched, now) + wait, now + math.min(wait, shortest * 1000))
end

local function pace(item, at, fetched, factor)
  local shortest, longest = tonumber(ARGV[at + 13]), tonumber(ARGV[at + 14])
  local interval = tonumber(redis.call('HGET', item, 'interval') or START)
  interval = math.min(longest, math.max(shortest, interval * factor))
  redis.call('HSET', item, 'interval', string.format('%.1f', interval))
  local jitter = tonumber(redis.call('HGET', item, 'jitter') or '1')
  local wait = math.max(interval * jitter, tonumber(ARGV[at + 9])) * 1000
  local not_before = tonumber(redis.call('HGET', item, 'not_before') or '0')
  return math.max(due_at(fetched, wait, shortest), math.min(not_before, now + LONGEST_HINT))
end

local function refused(item, at, fetched)
  local times = redis.call('HINCRBY', item, 'bad', 1)
  redis.call('HSET', item, 'bad_reason', ARGV[at + 11], 'bad_message', ARGV[at + 12])
  local wait = math.min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ^ math.min(times - 1, 20))
  local shortest = tonumber(ARGV[at + 13])
  return due_at(fetched, math.max(wait, shortest) * 1000, shortest)
end

local function read(item, at, fetched, before)
  local prints, news = ARGV[at + 8], tonumber(ARGV[at + 3])
  local entries, rejected = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 7])
  local all_new = news > 0 and news + rejected >= entries
  local gap = all_new and before and before ~= '' and prints ~= '' and not shares(before, prints)
  local factor = GROW
  if gap then factor = GAP elseif news > 0 then factor = SHRINK end
  redis.call('HDEL', item, 'bad', 'bad_reason', 'bad_message')
  redis.call('HSET', item, 'entries', ARGV[at + 2], 'hold', ARGV[at + 9], 'prints', prints)
  redis.call('HSET', item, 'refused', ARGV[at + 16])
  if ARGV[at + 10] ~= '' then redis.call('HSET', item, 'title', ARGV[at + 10]) end
  if news > 0 then redis.call('HSET', item, 'new_ms', ARGV[at + 1]) end
  if gap then
    redis.call('HINCRBY', item, 'gaps', 1)
    redis.call('HSET', item, 'gap_ms', ARGV[at + 1])
  end
  return pace(item, at, fetched, factor)
end

if redis.call('HEXISTS', claims, 'observed') == 1 then return 0 end

for at = FIRST, #ARGV, WIDTH do
  local name, fetched = ARGV[at], tonumber(ARGV[at + 1])
  local item = items .. name
  local known = redis.call('HMGET', item, 'host', 'prints', 'observed_ms', 'lease', 'polled_ms', 'was_due')
  if known[1] and not known[6] then
    for n, counter in ipairs({ 'published', 'revised', 'duplicate', 'rejected' }) do
      local count = tonumber(ARGV[at + 3 + n])
      if count > 0 then redis.call('HINCRBY', item, counter, count) end
    end
    local before = tonumber(known[3] or '0')
    if ARGV[at + 2] ~= '' and (fetched > before or before > now) then
      redis.call('HSET', item, 'observed_ms', ARGV[at + 1])
      local next_due
      if ARGV[at + 11] ~= '' then
        next_due = refused(item, at, fetched)
        redis.call('SADD', failing, name)
      else
        next_due = read(item, at, fetched, known[2])
        if redis.call('HEXISTS', item, 'failures') == 0 then redis.call('SREM', failing, name) end
      end
      -- In hand or polled again meanwhile, or by a schedule: that says when it is next.
      local newest = fetched >= tonumber(known[5] or '0') - 1000
      if newest and not known[4] and ARGV[at + 15] ~= '1' then
        redis.call('ZADD', due, 'XX', string.format('%.0f', next_due), name)
      end
    end
  end
end

redis.call('HSET', claims, 'observed', 1)
redis.call('EXPIRE', claims, ARGV[2])
return 1

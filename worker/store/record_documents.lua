-- Records what was read from feeds' documents, once: counts, possible gaps, the next poll.
--
-- KEYS  1 due, 2 claims of the batch, 3 failing (a set of names)
-- ARGV  1 prefix of the items' keys, 2 seconds that claims live, then factors of the interval:
--       3 after news, 4 after none, 5 after a gap; 6 interval of a new feed (s); then a
--       FeedObservation per document as JSON (worker/store/feeds.py)
-- Returns 1, or 0 if the batch was recorded before.
--
-- A fingerprint (12 hex digits) recognises an entry of a feed. If no fingerprint of a document is
-- among those of the document before, entries between the two may have been missed: a gap.

local due, claims, failing, items = KEYS[1], KEYS[2], KEYS[3], ARGV[1]
local SHRINK, GROW, GAP = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local START = tonumber(ARGV[6])
local FIRST, FINGERPRINT = 7, 12
local FIRST_BACKOFF, LONGEST_BACKOFF = 300, 86400
local LONGEST_HINT = 86400000

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function integer(number) return string.format('%.0f', number) end

local function share_entry(earlier, later)
  local fingerprints = {}
  for at = 1, #earlier, FINGERPRINT do
    fingerprints[string.sub(earlier, at, at + FINGERPRINT - 1)] = true
  end
  for at = 1, #later, FINGERPRINT do
    if fingerprints[string.sub(later, at, at + FINGERPRINT - 1)] then return true end
  end
  return false
end

-- Workers' clocks may be wrong: their times never count as later than now, and the next poll is
-- not sooner than the shortest interval from now.
local function due_at(document, wait)
  local shortest = document.pace.shortest * 1000
  return math.max(math.min(document.fetched_ms, now) + wait, now + math.min(wait, shortest))
end

local function record_unreadable(item, document)
  local times = redis.call('HINCRBY', item, 'bad', 1)
  redis.call('HSET', item, 'bad_reason', document.reason, 'bad_message', document.message)
  local wait = math.min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ^ math.min(times - 1, 20))
  return due_at(document, math.max(wait, document.pace.shortest) * 1000)
end

local function next_poll(item, document, factor)
  local interval = tonumber(redis.call('HGET', item, 'interval') or START)
  interval = math.min(document.pace.longest, math.max(document.pace.shortest, interval * factor))
  redis.call('HSET', item, 'interval', string.format('%.1f', interval))
  local jitter = tonumber(redis.call('HGET', item, 'jitter') or '1')
  local wait = math.max(interval * jitter, document.min_interval_seconds) * 1000
  local not_before = tonumber(redis.call('HGET', item, 'not_before') or '0')
  return math.max(due_at(document, wait), math.min(not_before, now + LONGEST_HINT))
end

local function record_readable(item, document, earlier)
  local news, fingerprints = document.new, document.fingerprints
  local all_new = news > 0 and news + document.rejected >= document.entries
  local gap = all_new and earlier and earlier ~= '' and fingerprints ~= ''
    and not share_entry(earlier, fingerprints)
  local fetched = integer(document.fetched_ms)
  redis.call('HDEL', item, 'bad', 'bad_reason', 'bad_message')
  redis.call('HSET', item, 'entries', integer(document.entries),
    'hold', integer(document.min_interval_seconds), 'prints', fingerprints,
    'refused', document.refused_fingerprints)
  if document.title ~= '' then redis.call('HSET', item, 'title', document.title) end
  if news > 0 then redis.call('HSET', item, 'new_ms', fetched) end
  if gap then
    redis.call('HINCRBY', item, 'gaps', 1)
    redis.call('HSET', item, 'gap_ms', fetched)
  end
  return next_poll(item, document, gap and GAP or news > 0 and SHRINK or GROW)
end

-- In the log of polls, the last word of a document's line becomes the number of its news.
local function write_news(item, fetched, news)
  redis.call('HSET', item, 'observed_new', news)
  local log = redis.call('HGET', item, 'polls')
  if not log then return end
  local line = '(\n' .. fetched .. ' [^\n]*) %?'
  log = ('\n' .. log):gsub(line, '%1 ' .. news, 1)
  redis.call('HSET', item, 'polls', log:sub(2))
end

if redis.call('HEXISTS', claims, 'observed') == 1 then return 0 end

local documents, items_of_batch = {}, {}
local types = { [due] = 'zset', [claims] = 'hash', [failing] = 'set' }
for at = FIRST, #ARGV do
  local document = cjson.decode(ARGV[at])
  documents[#documents + 1] = document
  items_of_batch[#items_of_batch + 1] = items .. document.name
  types[items .. document.name] = 'hash'
end
local obstacle = find_obstacle(types, {
  HMGET = items_of_batch, HGET = items_of_batch, HEXISTS = items_of_batch,
  HINCRBY = items_of_batch, HDEL = items_of_batch, HSET = { claims, unpack(items_of_batch) },
  ZADD = { due }, SADD = { failing }, SREM = { failing }, EXPIRE = { claims },
})
if obstacle then return obstacle end

for _, document in ipairs(documents) do
  local name, fetched = document.name, document.fetched_ms
  local item = items .. name
  local state = redis.call(
    'HMGET', item, 'host', 'prints', 'observed_ms', 'lease', 'polled_ms', 'was_due')
  local is_configured = state[1] and not state[6]
  if is_configured then
    for _, counter in ipairs({ 'published', 'revised', 'duplicate', 'rejected' }) do
      local count = document[counter]
      if count > 0 then redis.call('HINCRBY', item, counter, integer(count)) end
    end
    local last = tonumber(state[3] or '0')
    if document.entries ~= cjson.null and (fetched > last or last > now) then
      redis.call('HSET', item, 'observed_ms', integer(fetched))
      write_news(item, integer(fetched), integer(document.new))
      local next_due
      if document.reason ~= '' then
        next_due = record_unreadable(item, document)
        redis.call('SADD', failing, name)
      else
        next_due = record_readable(item, document, state[2])
        if redis.call('HEXISTS', item, 'failures') == 0 then redis.call('SREM', failing, name) end
      end
      -- A lease, a later poll or a schedule says itself when the feed is due next.
      local is_newest = fetched >= tonumber(state[5] or '0') - 1000
      if is_newest and not state[4] and not document.pace.has_schedule then
        redis.call('ZADD', due, 'XX', integer(next_due), name)
      end
    end
  end
end

redis.call('HSET', claims, 'observed', 1)
redis.call('EXPIRE', claims, ARGV[2])
return 1

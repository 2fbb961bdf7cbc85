-- Ends leases: stores the state of the items, and when each is due next.
--
-- KEYS  1 due, 2 failing (a set of names)
-- ARGV  1 prefix of the items' keys, 2 prefix of the hosts' keys, 3 token, then for each item:
--       name, ms until it is due (-1: it is removed), host whose pace it counts for, host that
--       answered, ms for which nothing is fetched from the latter, ms between two fetches that
--       the former asks for (-1: it does not say), number of fields, then so many pairs of field
--       and value ('': deleted). The value of `poll` is a line that is added to the item's log
--       `polls`, which holds the last 50 (worker/store/feeds.py)
-- Items that have a `tally` (the key of a hash) are counted there when they are removed: `unfetched`
-- falls by their `weight`, and twice a minute a mark says how many were fetched until then.
-- Items that have a `source` are counted by it: one that is removed leaves `<due>:counts`.
-- Returns for each item 1, or 0 if its lease had expired and another process has it now: then
-- nothing of the item is written.

local due, failing = KEYS[1], KEYS[2]
local items, hosts, token = ARGV[1], ARGV[2], ARGV[3]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local HOST_LIVES = 172800
local MAX_POLLS = 50

local function integer(number) return string.format('%.0f', number) end

local function write_host(item, host, answered, backoff, delay)
  redis.call('HDEL', host, 'b:' .. item)
  if delay == 0 then redis.call('HDEL', host, 'delay') end
  if delay > 0 then
    redis.call('HSET', host, 'delay', integer(delay))
    redis.call('EXPIRE', host, HOST_LIVES)
  end
  if backoff > 0 then
    local earlier = tonumber(redis.call('HGET', answered, 'cool') or '0')
    redis.call('HSET', answered, 'cool', integer(math.max(earlier, now + backoff)))
    redis.call('EXPIRE', answered, HOST_LIVES)
  end
end

-- If the document was read already, its news replace the line's last word, a `?`.
local function log_with(item, line)
  local log, observed, news = unpack(redis.call('HMGET', item, 'polls', 'observed_ms', 'observed_new'))
  if news and observed == line:match('^%d+') then line = line:gsub('%?$', news) end
  local lines = { line }
  for earlier in string.gmatch(log or '', '[^\n]+') do
    if #lines < MAX_POLLS then lines[#lines + 1] = earlier end
  end
  return table.concat(lines, '\n')
end

-- Two writes for all fields: each is a command of its own in the append-only file.
local function write_item(item, name, wait, first, last)
  local set, deleted = {}, { 'lease' }
  for at = first, last, 2 do
    local field, value = ARGV[at], ARGV[at + 1]
    if field == 'poll' then field, value = 'polls', log_with(item, value) end
    if value == '' then
      deleted[#deleted + 1] = field
    else
      set[#set + 1] = field
      set[#set + 1] = value
    end
  end
  if #set > 0 then redis.call('HSET', item, unpack(set)) end
  redis.call('HDEL', item, unpack(deleted))
  local has_failed = redis.call('HEXISTS', item, 'failures') + redis.call('HEXISTS', item, 'bad')
  redis.call(has_failed > 0 and 'SADD' or 'SREM', failing, name)
  -- The interval that the feed itself asks for may have been read meanwhile. A feed that was
  -- removed from the catalog during its lease (`was_due`) is not added again.
  local state = redis.call('HMGET', item, 'hold', 'observed_ms', 'was_due')
  local earliest = math.min(now, tonumber(state[2] or '0')) + tonumber(state[1] or '0') * 1000
  if not state[3] then redis.call('ZADD', due, integer(math.max(now + wait, earliest)), name) end
end

-- The rights on one item's and one host's key are those on all.
local any_item, any_host = items .. 'any', hosts .. 'any'
local obstacle = find_obstacle({ [due] = 'zset', [failing] = 'set' }, {
  HDEL = { any_item, any_host }, HSET = { any_item, any_host }, HGET = { any_item, any_host }, HEXISTS = { any_item },
  HMGET = { any_item }, EXPIRE = { any_host }, DEL = { any_item }, ZADD = { due }, ZREM = { due },
  SADD = { failing }, SREM = { failing }, HINCRBY = { due .. ':counts', any_item }, EXISTS = { any_item },
})
if obstacle then return obstacle end

local MARK_EVERY = 30000

local function count_fetched(tally, weight)
  if redis.call('EXISTS', tally) == 0 then return end
  local unfetched = redis.call('HINCRBY', tally, 'unfetched', -weight)
  redis.call('HINCRBY', tally, 'items', -1)
  local listed, mark, marked = unpack(redis.call('HMGET', tally, 'listed', 'mark_ms', 'marked'))
  local fetched = tonumber(listed or '0') - unfetched
  if not mark then
    mark, marked = integer(now), integer(fetched - weight)
  elseif now - tonumber(mark) < MARK_EVERY then
    return
  end
  redis.call('HSET', tally, 'earlier_mark_ms', mark, 'earlier_marked', marked)
  redis.call('HSET', tally, 'mark_ms', integer(now), 'marked', integer(fetched))
end

local answers, at = {}, 4
while at <= #ARGV do
  local name, wait, host = ARGV[at], tonumber(ARGV[at + 1]), hosts .. ARGV[at + 2]
  local answered, backoff = hosts .. ARGV[at + 3], tonumber(ARGV[at + 4])
  local delay, count = tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6])
  local item, first = items .. name, at + 7
  at = first + 2 * count
  write_host(item, host, answered, backoff, delay)
  local is_ours = redis.call('HGET', item, 'lease') == token
  if is_ours and wait < 0 then
    local source = redis.call('HGET', item, 'source')
    if source then redis.call('HINCRBY', due .. ':counts', 'waiting ' .. source, -1) end
    local tally, weight = unpack(redis.call('HMGET', item, 'tally', 'weight'))
    if tally then count_fetched(tally, tonumber(weight)) end
    redis.call('DEL', item)
    redis.call('ZREM', due, name)
    redis.call('SREM', failing, name)
  elseif is_ours then
    write_item(item, name, wait, first, at - 2)
  end
  answers[#answers + 1] = is_ours and 1 or 0
end
return answers

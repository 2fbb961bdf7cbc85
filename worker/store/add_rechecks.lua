-- Adds pages that are to be fetched again. A page that waits already stays as it is due, and has
-- the newer copy in the archive; if it waits in another node's queue, it moves to where the copy is.
--
-- KEYS  1 due (a sorted set: name → Unix ms), 2 counts (a hash: '<what> <source>' → number)
-- ARGV  1 prefix of the items' keys, 2 prefix of the hosts' lists of pages, 3 maximum number of
--       items, 4 seconds that a list lives, then for each page ten: name, host, source, batch,
--       entry, when it was fetched, when it is due, when that is too late (all Unix ms), its
--       address, and 'new' or, if only a page that waits is changed, ''
-- Returns how many of them were not added because as many as may wait do so.

local due, counts = KEYS[1], KEYS[2]
local items, lists, most, lives = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local FIRST, WIDTH, LISTED = 5, 10, 3

local any_item, any_list = items .. 'any', lists .. 'any'
local obstacle = find_obstacle({ [due] = 'zset', [counts] = 'hash' }, {
  HSET = { any_item }, HINCRBY = { counts }, ZADD = { due }, ZREM = { due }, SET = { any_list },
})
if obstacle then return obstacle end

-- The last pages of a host that were fetched, newest first: one of them is requested where another
-- seems to be removed.
local function list_page(host, url)
  local addresses = { url }
  local stored = redis.pcall('GET', lists .. host)  -- a key of a wrong type is replaced
  for earlier in string.gmatch(type(stored) == 'string' and stored or '', '[^\n]+') do
    if earlier ~= url and #addresses < LISTED then addresses[#addresses + 1] = earlier end
  end
  redis.call('SET', lists .. host, table.concat(addresses, '\n'), 'EX', lives)
end

local dropped = 0
for at = FIRST, #ARGV, WIDTH do
  local name, host, source, batch, entry, page_ms, due_ms, late_ms, url, is_new =
    unpack(ARGV, at, at + WIDTH - 1)
  local item = items .. name
  if redis.call('EXISTS', item) == 1 then
    local queue = redis.call('HGET', item, 'queue') or due
    local score = queue ~= due and redis.call('ZSCORE', queue, name)
    if score then
      redis.call('ZREM', queue, name)
      redis.call('ZADD', due, score, name)
      redis.call('HINCRBY', queue .. ':counts', 'waiting ' .. source, -1)
      redis.call('HINCRBY', counts, 'waiting ' .. source, 1)
    end
    redis.call('HSET', item, 'batch', batch, 'entry', entry, 'queue', due)
  elseif is_new ~= '' and redis.call('ZCARD', due) >= most then
    dropped = dropped + 1
    redis.call('HINCRBY', counts, 'dropped ' .. source, 1)
  elseif is_new ~= '' then
    redis.call('HSET', item, 'host', host, 'source', source, 'batch', batch, 'entry', entry,
      'page_ms', page_ms, 'number', 0, 'late_ms', late_ms, 'queue', due)
    redis.call('ZADD', due, due_ms, name)
    redis.call('HINCRBY', counts, 'waiting ' .. source, 1)
  end
  if url ~= '' then list_page(host, url) end
end
return dropped

-- Removes the oldest entries of the stream, a bounded number per call, and never what a live group
-- has not finished, except where the stream takes too many bytes.
--
-- KEYS  1 stream, 2 groups: a hash of group -> '<Unix ms of its last progress> <its state>',
--       3 totals: a hash with the entries trimmed, those of them unread, and when
-- ARGV  1 maximum length (0: none), 2 the ID before which entries have expired ('0': none),
--       3 maximum bytes (0: none), 4 bytes that must be freed in any case, 5 ms after which a group
--       without progress is not protected (0: never), 6 entries to examine, 7 1: remove nothing
-- Returns {removed, unread ones of them, length, bytes, bound, holding group}: entries from the ID
-- `bound` on are protected ('': none is) by the holding group; a removal can continue if `removed`
-- is the number of entries to examine.
--
-- A group has progress when its position or what is pending changes, or a consumer asks for entries.

local stream, groups_key, totals = KEYS[1], KEYS[2], KEYS[3]
local max_length, expired, max_bytes = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local to_free, max_idle, limit = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])

local function table_of(reply)
  local fields = {}
  for at = 1, #reply, 2 do fields[reply[at]] = reply[at + 1] end
  return fields
end

local function is_before(one, other)
  local ms, number = string.match(one, '^(%d+)-(%d+)$')
  local other_ms, other_number = string.match(other, '^(%d+)-(%d+)$')
  if ms ~= other_ms then return tonumber(ms) < tonumber(other_ms) end
  return tonumber(number) < tonumber(other_number)
end

if redis.call('TYPE', stream)['ok'] ~= 'stream' then return { 0, 0, 0, 0, '', '' } end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local bound, holder = '', ''
local known, present = table_of(redis.call('HGETALL', groups_key)), {}
for _, reply in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
  local group = table_of(reply)
  local least = group['last-delivered-id']
  if group['pending'] > 0 then least = redis.call('XPENDING', stream, group['name'])[2] end
  local state = group['last-delivered-id'] .. ' ' .. group['pending'] .. ' ' .. least
  local since, before = string.match(known[group['name']] or '', '^(%d+) (.*)$')
  -- A time ahead of the clock, which was set back since, would protect the group for ever.
  local active = before == state and math.min(tonumber(since), now) or now
  for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group['name'])) do
    active = math.max(active, now - table_of(consumer)['idle'])
  end
  -- A minute is exact enough: each write goes to the disk, too.
  if before ~= state or math.abs(active - since) > 60000 then
    redis.call('HSET', groups_key, group['name'], string.format('%.0f %s', active, state))
  end
  present[group['name']] = true
  if max_idle == 0 or now - active <= max_idle then
    if bound == '' or is_before(least, bound) then bound, holder = least, group['name'] end
  end
end
for group in pairs(known) do
  if not present[group] then redis.call('HDEL', groups_key, group) end
end

local length = redis.call('XLEN', stream)
local bytes = redis.call('MEMORY', 'USAGE', stream) or 0
if max_bytes > 0 then to_free = math.max(to_free, bytes - max_bytes) end
if ARGV[7] == '1' or length == 0 then return { 0, 0, length, bytes, bound, holder } end

local too_many = max_length > 0 and math.max(0, length - max_length) or 0
local too_large = to_free > 0 and math.ceil(length * math.min(1, to_free / bytes)) or 0
local removed, unread = 0, 0
if too_many > 0 or too_large > 0 or expired ~= '0' then
  for n, entry in ipairs(redis.call('XRANGE', stream, '-', '+', 'COUNT', limit)) do
    local is_wanted = n <= too_many or (expired ~= '0' and is_before(entry[1], expired))
    local is_protected = bound ~= '' and not is_before(entry[1], bound)
    if not ((is_wanted and not is_protected) or n <= too_large) then break end
    removed = n
    if is_protected then unread = unread + 1 end
  end
end
if removed > 0 then
  redis.call('XTRIM', stream, 'MAXLEN', '=', length - removed)
  redis.call('HINCRBY', totals, 'trimmed', removed)
end
if unread > 0 then
  redis.call('HINCRBY', totals, 'unread', unread)
  redis.call('HSET', totals, 'unread_ms', string.format('%.0f', now))
end
return { removed, unread, length - removed, bytes, bound, holder }

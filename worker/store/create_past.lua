-- Creates a consumer group that begins at a time. What the stream no longer has from then on is read
-- from the archive into a stream of the group's own, which its consumers finish first.
--
-- KEYS  1 stream, 2 the group's own stream, 3 hash of group -> state (JSON)
-- ARGV  1 group, 2 the ID before the first entry of that time, 3 state without its boundary
-- Returns the boundary: the group's position in the stream. Nothing in the stream is before it, or
-- nothing of that time.

local stream, past, states = KEYS[1], KEYS[2], KEYS[3]
local group, start = ARGV[1], ARGV[2]

local function parts(id)
  local ms, number = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(number), number
end

local boundary = '0-0'
if redis.call('EXISTS', stream) == 1 then
  local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
  if first then
    local ms, number = parts(first[1])
    boundary = number > 0 and string.format('%.0f-%.0f', ms, number - 1)
      or string.format('%.0f-18446744073709551615', ms - 1)
  else
    local info = redis.call('XINFO', 'STREAM', stream)
    for at = 1, #info, 2 do
      if info[at] == 'last-generated-id' then boundary = info[at + 1] end
    end
  end
end
local is_whole = parts(boundary) < parts(start)
if is_whole then boundary = start end
redis.call('XGROUP', 'CREATE', stream, group, boundary, 'MKSTREAM')
if not is_whole then
  redis.call('XGROUP', 'CREATE', past, group, '0', 'MKSTREAM')
  local state = cjson.decode(ARGV[3])
  state.boundary = boundary
  redis.call('HSET', states, group, cjson.encode(state))
end
return boundary

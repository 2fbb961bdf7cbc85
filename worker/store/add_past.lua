-- Adds records from the archive to a group's own stream, with how far the archive is read.
--
-- KEYS  1 the group's own stream, 2 hash of group -> state (JSON)
-- ARGV  1 group, 2 when it was created, 3 its new state, then for each record eight values: type,
--       id, revision, title, date, source, data, story ('' if it has none)
-- Returns 1; or 0, and nothing is written, if the group was deleted, or another one has its name.

local state = redis.call('HGET', KEYS[2], ARGV[1])
if not state or cjson.decode(state).created_at ~= ARGV[2] then return 0 end
for at = 4, #ARGV, 8 do
  redis.call('XADD', KEYS[1], '*', unpack(with_story({
    'type', ARGV[at], 'id', ARGV[at + 1], 'revision', ARGV[at + 2], 'title', ARGV[at + 3],
    'date', ARGV[at + 4], 'source', ARGV[at + 5], 'data', ARGV[at + 6],
  }, ARGV[at + 7])))
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
return 1

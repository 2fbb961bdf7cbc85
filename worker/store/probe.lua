-- Tries what publishing needs, without an entry: the type of the stream, its next ID, the rights
-- that publish.lua checks, and a write. A SET alone was accepted while every XADD was refused.
--
-- KEYS  1 stream, 2 a key to write, then keys of each kind of hash that publish.lua writes
-- Returns 'OK', or the error that publishing would get.

local stream, probe = KEYS[1], KEYS[2]
local LAST_ID = '18446744073709551615-18446744073709551615'
local hashes = {}
for at = 3, #KEYS do hashes[#hashes + 1] = KEYS[at] end

local obstacle = find_obstacle({ [stream] = 'stream' }, {
  XADD = { stream }, HMGET = hashes, HGET = hashes, HSET = hashes, HDEL = hashes, EXPIRE = hashes,
})
if obstacle then return obstacle end

local info = redis.pcall('XINFO', 'STREAM', stream)  -- an error if there is none yet
for at = 1, info.err and 0 or #info, 2 do
  if info[at] == 'last-generated-id' and info[at + 1] == LAST_ID then
    return redis.error_reply('ERR the stream ' .. stream .. ' has no ID left, so that it takes '
      .. 'no more entries: rename its key, or choose another stream.name')
  end
end
return redis.call('SET', probe, '1', 'EX', 60)

-- Adds what became of a batch to the counters, once.
--
-- KEYS  1 claims of the batch, 2 totals, 3 sources, 4 jobs, 5 job, 6 refused files of the job
-- ARGV  1 seconds that the guard lives, 2 source, 3 job ('' where none), 4 seconds that a job
--       lives, 5 how many refused files a job lists, 6 number of counters,
--       then that many pairs of counter and number, then the refused files, packed
-- Returns 1, or 0 where the batch was settled before.

local claims, totals, sources, jobs, job, refused =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local source, job_id, listed = ARGV[2], ARGV[3], tonumber(ARGV[5])
local FIRST = 7

-- A wrong type must fail the call before it counted anything.
local kinds = {
  [claims] = 'hash', [totals] = 'hash', [sources] = 'hash',
  [jobs] = 'zset', [job] = 'hash', [refused] = 'list',
}
for key, wanted in pairs(kinds) do
  local kind = redis.call('TYPE', key)['ok']
  if kind ~= wanted and kind ~= 'none' then
    return redis.error_reply('WRONGTYPE ' .. key .. ' is a ' .. kind .. ', not a ' .. wanted)
  end
end

if redis.call('HEXISTS', claims, 'settled') == 1 then return 0 end

local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local last = FIRST + 2 * tonumber(ARGV[6]) - 1

for at = FIRST, last, 2 do
  local counter, number = ARGV[at], ARGV[at + 1]
  redis.call('HINCRBY', totals, counter, number)
  redis.call('HINCRBY', sources, source .. '/' .. counter, number)
  if job_id ~= '' then redis.call('HINCRBY', job, counter, number) end
  if counter == 'archived' then redis.call('HSET', sources, source .. '/last_success_ms', now) end
end

if job_id ~= '' then
  redis.call('HSETNX', job, 'source', source)
  redis.call('HSETNX', job, 'created_ms', now)
  redis.call('HSET', job, 'last_ms', now)
  redis.call('EXPIRE', job, ARGV[4])
  redis.call('ZADD', jobs, 'NX', now, job_id)
  local room = listed - redis.call('LLEN', refused)
  for at = last + 1, math.min(#ARGV, last + room) do redis.call('RPUSH', refused, ARGV[at]) end
  redis.call('EXPIRE', refused, ARGV[4])
end

redis.call('DEL', claims)
redis.call('HSET', claims, 'settled', now)
redis.call('EXPIRE', claims, ARGV[1])
return 1

-- Adds the outcomes of a batch to the counters, once.
--
-- KEYS  1 claims of the batch, 2 totals, 3 sources, 4 jobs, 5 job, 6 refused files of the job,
--       7 minutes, 8 measures
-- ARGV  1 seconds that `settled` lives, 2 source, 3 job ('' where none), 4 seconds that a job
--       lives, 5 maximum number of refused files of a job, 6 minutes that are kept, 7 number of
--       counters, 8 number of measures, 9 milliseconds since work on the batch began ('' if
--       unknown), then so many pairs of counter and number, then of measure and number, then
--       the refused files as JSON
-- Returns 1, or 0 if the batch was settled before.

local claims, totals, sources, jobs, job, refused, minutes, measures =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local source, job_id, listed, kept_minutes = ARGV[2], ARGV[3], tonumber(ARGV[5]), tonumber(ARGV[6])
local FIRST = 10

if redis.call('HEXISTS', claims, 'settled') == 1 then return 0 end

local obstacle = find_obstacle({
  [claims] = 'hash', [totals] = 'hash', [sources] = 'hash', [jobs] = 'zset', [job] = 'hash',
  [refused] = 'list', [minutes] = 'hash', [measures] = 'hash',
}, {
  HINCRBY = { totals, sources, job, measures }, HSET = { claims, sources, job, minutes },
  HSETNX = { job }, HDEL = { minutes }, HGET = { minutes }, ZADD = { jobs }, LLEN = { refused },
  RPUSH = { refused }, EXPIRE = { claims, job, refused, minutes }, DEL = { claims },
})
if obstacle then return obstacle end

local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local now = string.format('%.0f', now_ms)
local counts_end = FIRST + 2 * tonumber(ARGV[7]) - 1
local last = counts_end + 2 * tonumber(ARGV[8])

local counted = {}
for at = FIRST, counts_end, 2 do
  local counter, number = ARGV[at], ARGV[at + 1]
  counted[counter] = tonumber(number)
  redis.call('HINCRBY', totals, counter, number)
  redis.call('HINCRBY', sources, source .. '/' .. counter, number)
  if job_id ~= '' then redis.call('HINCRBY', job, counter, number) end
  if counter == 'archived' then redis.call('HSET', sources, source .. '/last_success_ms', now) end
end

for at = counts_end + 1, last, 2 do redis.call('HINCRBY', measures, ARGV[at], ARGV[at + 1]) end

if job_id ~= '' then
  redis.call('HSETNX', job, 'source', source)
  redis.call('HSETNX', job, 'created_ms', now)
  redis.call('HSET', job, 'last_ms', now)
  if ARGV[9] ~= '' then
    redis.call('HSETNX', job, 'began_ms', string.format('%.0f', now_ms - ARGV[9]))
  end
  redis.call('EXPIRE', job, ARGV[4])
  redis.call('ZADD', jobs, 'NX', now, job_id)
  local room = listed - redis.call('LLEN', refused)
  for at = last + 1, math.min(#ARGV, last + room) do redis.call('RPUSH', refused, ARGV[at]) end
  redis.call('EXPIRE', refused, ARGV[4])
end

-- One field per minute holds the counts that are shown as a rate. The first batch of a minute
-- deletes the oldest fields; if none came for as long as they are kept, the key has expired.
local function add_to_minute()
  local present = math.floor(time[1] / 60)
  local field = string.format('%.0f', present)
  local earlier = redis.call('HGET', minutes, field)
  local counts, added = {}, 0
  local numbers = (earlier or ''):gmatch('%d+')
  -- An earlier version did not count withdrawals, so they are the last.
  for at, counter in ipairs({ 'published', 'revised', 'duplicate', 'rejected', 'withdrawn' }) do
    local more = counted[counter] or 0
    added = added + more
    counts[at] = string.format('%.0f', (numbers() or 0) + more)
  end
  if added == 0 then return end
  if not earlier then
    local oldest = math.min(tonumber(redis.call('HGET', minutes, 'oldest') or present), present)
    local keep = math.max(oldest, present - kept_minutes + 1)
    for minute = oldest, keep - 1 do
      redis.call('HDEL', minutes, string.format('%.0f', minute))
    end
    redis.call('HSET', minutes, 'oldest', string.format('%.0f', keep))
    redis.call('EXPIRE', minutes, kept_minutes * 60)
  end
  redis.call('HSET', minutes, field, table.concat(counts, ' '))
end
add_to_minute()

redis.call('DEL', claims)
redis.call('HSET', claims, 'settled', now)
redis.call('EXPIRE', claims, ARGV[1])
return 1

-- Publishes articles: decides which are new, appends them to the stream and marks them, in one step.
--
-- KEYS  1 stream, 2 claims of the batch, then for each request its mark keys (marks are written
--       to the first) and, if it has a raw mark, its raw key
-- ARGV  1 maximum length of the stream (0: none), 2 seconds that marks live, 3 seconds that
--       claims live, then for each request twelve: 0 claim, 1 number of its mark keys,
--       2 mark field, 3 last 4 bytes of the key and 6 of the content hash,
--       4 on change ('' | 'revise' | 'force'), 5 raw field ('' if none), 6 raw mark,
--       7 id, 8 title, 9 date, 10 source, 11 data
-- Returns for each request '<status> <revision> <first published ms> <stream id> <content differs>',
-- or '' if the article would be appended but its data is missing: then nothing is written for it.
--
-- Everything is read before anything is written: a key of a wrong type, or a server that is out of
-- memory, fails the call before it has changed anything. Redis does not roll a failed script back,
-- so an entry is appended before it is marked, never the other way round.

local stream, claims = KEYS[1], KEYS[2]
local maxlen, keep, keep_claims = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local FIRST, WIDTH = 4, 12

local kind = redis.call('TYPE', stream)['ok']
if kind ~= 'stream' and kind ~= 'none' then
  return redis.error_reply('WRONGTYPE ' .. stream .. ' is a ' .. kind .. ', not a stream')
end

-- ── read ──────────────────────────────────────────────────────────────────────────────────

local names = {}
for at = FIRST, #ARGV, WIDTH do names[#names + 1] = ARGV[at] end
local earlier_answers = redis.call('HMGET', claims, unpack(names))

local marks = {}   -- by mark key and field; includes the marks that this call writes
local homes = {}   -- the key in which a mark was found
local raws = {}    -- the raw marks before this call, by request
local next_key = 3
local key_of, raw_key_of = {}, {}

for n = 1, #names do
  local at = FIRST + (n - 1) * WIDTH
  local field, count = ARGV[at + 2], tonumber(ARGV[at + 1])
  local key = KEYS[next_key]
  local name = key .. field
  key_of[n] = key
  if marks[name] == nil then
    marks[name] = false
    for k = next_key, next_key + count - 1 do
      local mark = redis.call('HGET', KEYS[k], field)
      if mark then
        marks[name], homes[name] = mark, KEYS[k]
        break
      end
    end
  end
  next_key = next_key + count
  if ARGV[at + 5] ~= '' then
    raw_key_of[n] = KEYS[next_key]
    raws[n] = redis.call('HGET', KEYS[next_key], ARGV[at + 5])
    next_key = next_key + 1
  end
end

-- ── decide and write ──────────────────────────────────────────────────────────────────────

local function append(at, kind, revision)
  local fields = {
    'type', kind, 'id', ARGV[at + 7], 'revision', revision, 'title', ARGV[at + 8],
    'date', ARGV[at + 9], 'source', ARGV[at + 10], 'data', ARGV[at + 11],
  }
  if maxlen == '0' then return redis.call('XADD', stream, '*', unpack(fields)) end
  return redis.call('XADD', stream, 'MAXLEN', '~', maxlen, '*', unpack(fields))
end

local function milliseconds(id) return tonumber(string.match(id, '^%d+')) end

local touched, answers, new_answers = {}, {}, {}

for n = 1, #names do
  local at = FIRST + (n - 1) * WIDTH
  local field, on_change = ARGV[at + 2], ARGV[at + 4]
  local answer = earlier_answers[n]
  if answer and string.sub(answer, 1, 8) == field then
    answers[n] = string.sub(answer, 9)
  else
    local key = key_of[n]
    local name = key .. field
    local mark = marks[name]
    local differs = mark and string.sub(mark, 5, 10) ~= string.sub(ARGV[at + 3], 5, 10)
    local revise = mark and (on_change == 'force' or (on_change == 'revise' and differs))
    if (not mark or revise) and ARGV[at + 11] == '' then
      answers[n] = ''
    elseif not mark then
      local id = append(at, 'article.published', 1)
      local ms = milliseconds(id)
      marks[name] = ARGV[at + 3] .. struct.pack('>I6', ms)
      redis.call('HSET', key, field, marks[name])
      answers[n] = string.format('published 1 %.0f %s 0', ms, id)
    else
      local first_ms = struct.unpack('>I6', mark, 11)
      local revision = 1
      if #mark > 16 then revision = struct.unpack('>I2', mark, 17) end
      if revise then
        revision = math.min(revision + 1, 65535)
        local id = append(at, 'article.revised', revision)
        local head = ARGV[at + 3] .. string.sub(mark, 11, 16)
        marks[name] = head .. struct.pack('>I2I6', revision, milliseconds(id))
        redis.call('HSET', key, field, marks[name])
        answers[n] = string.format('revised %d %.0f %s %d', revision, first_ms, id, differs and 1 or 0)
        differs = false
      else
        if homes[name] and homes[name] ~= key then redis.call('HSET', key, field, mark) end
        answers[n] = string.format('duplicate %d %.0f - %d', revision, first_ms, differs and 1 or 0)
      end
      if homes[name] and homes[name] ~= key then redis.call('HDEL', homes[name], field) end
      homes[name] = nil
    end
    if answers[n] ~= '' then
      touched[key] = true
      -- Without a raw mark, bytes whose content differs from the published one are parsed each
      -- time, so that the difference is reported each time.
      if raw_key_of[n] and not differs then
        if raws[n] ~= ARGV[at + 6] then
          redis.call('HSET', raw_key_of[n], ARGV[at + 5], ARGV[at + 6])
        end
        touched[raw_key_of[n]] = true
      end
      new_answers[#new_answers + 1] = names[n]
      new_answers[#new_answers + 1] = field .. answers[n]
    end
  end
end

-- A day is added so that most calls need not extend the time: each write goes to the disk too.
for key in pairs(touched) do
  if redis.call('TTL', key) < keep then redis.call('EXPIRE', key, keep + 86400) end
end
if #new_answers > 0 then
  redis.call('HSET', claims, unpack(new_answers))
  redis.call('EXPIRE', claims, keep_claims)
end
return answers

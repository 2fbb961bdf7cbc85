-- Publishes articles: decides which are new, appends them to the stream and marks them, in one step.
--
-- KEYS  1 stream, 2 claims of the batch, then for each request its mark keys (marks are written
--       to the first), if it has a raw mark its raw key, if it has a guid the raw key of that, and the mark keys of its other key
-- ARGV  1 seconds that marks live, 2 seconds that claims live, 3 the window of stories ('' if none
--       is needed), then for each request sixteen:
--       0 claim, 1 number of its mark keys, 2 mark field, 3 last 4 bytes of the key and 6 of the content hash,
--       4 on change ('' | 'revise' | 'force' | 'withdraw'), 5 raw field ('' if none), 6 raw mark,
--       7 id, 8 title, 9 date, 10 source, 11 data, 12 '' or what is known of the article already:
--       the revision that the data was compared with (2 bytes, 0: none), and if it was read again
--       under another key the number of mark keys of that (1), its field (8) and its alias (19),
--       13 '' or what recognises its text (see stories.lua), 14 '' or the story that it tells,
--       15 the raw field of its guid ('' if none)
-- Returns for each request '<status> <revision> <first published ms> <stream id> <flags>' (flags: 1
-- the content differs, 2 the other key is that of another article), followed by its story where it
-- has one; 'alias <date and key>' if the key is an alias of another, or '' if the article would be
-- appended but its data is missing or was compared with another revision: with the last two nothing
-- is written for the request. One more answer says what is wrong in the window, if anything.
--
-- Everything is read, and every right checked, before anything is written: a key of a wrong type, a
-- missing right or a server that is out of memory fails the call before it has changed anything.
-- Redis does not roll a failed script back, so an entry is appended before it is marked, never the
-- other way round.
--
-- If a write still fails, entries may be without their marks. So what is going to be appended is
-- recorded before, as a *pending* answer: 'pending <last entry before this call> <number within the
-- call>'. The entries of a call follow each other, so a retry finds its own by that, and continues
-- there: it never appends it again, and never calls it a duplicate.

local stream, claims = KEYS[1], KEYS[2]
local keep, keep_claims = tonumber(ARGV[1]), ARGV[2]
local FIRST, WIDTH = 4, 16
local MOST = 64  -- requests of a call: MAX_REQUESTS in articles.py

-- ── read ──────────────────────────────────────────────────────────────────────────────────

local names = {}
for at = FIRST, #ARGV, WIDTH do names[#names + 1] = ARGV[at] end
local earlier_answers = redis.call('HMGET', claims, unpack(names))

local function parse_mark(mark)
  if #mark == 19 then return { value = mark, alias = string.sub(mark, 5) } end
  local revision = 1
  if #mark > 16 then revision = struct.unpack('>I2', mark, 17) end
  return { value = mark, head = string.sub(mark, 1, 10), revision = revision,
    first_ms = struct.unpack('>I6', mark, 11), is_withdrawn = #mark > 24 }
end

local marks = {}   -- by mark key and field; false if there is none
local homes = {}   -- the key that has a mark
local raws, guids = {}, {}  -- the raw marks of the bytes and of the guid before this call, by request
local next_key = 3
local key_of, raw_key_of, guid_key_of, aliases = {}, {}, {}, {}

-- Reads the mark of a field from the next `count` keys; returns the first key.
local function read_mark(field, count)
  local key = KEYS[next_key]
  local name = key .. field
  if marks[name] == nil then
    marks[name] = false
    for k = next_key, next_key + count - 1 do
      local mark = redis.call('HGET', KEYS[k], field)
      if mark then
        marks[name], homes[name] = parse_mark(mark), KEYS[k]
        break
      end
    end
  end
  next_key = next_key + count
  return key
end

for n = 1, #names do
  local at = FIRST + (n - 1) * WIDTH
  key_of[n] = read_mark(ARGV[at + 2], tonumber(ARGV[at + 1]))
  if ARGV[at + 5] ~= '' then
    raw_key_of[n] = KEYS[next_key]
    raws[n] = redis.call('HGET', KEYS[next_key], ARGV[at + 5])
    next_key = next_key + 1
  end
  if ARGV[at + 15] ~= '' then
    guid_key_of[n] = KEYS[next_key]
    guids[n] = redis.call('HGET', KEYS[next_key], ARGV[at + 15])
    next_key = next_key + 1
  end
  if #ARGV[at + 12] > 2 then
    local count, field, value = struct.unpack('>Bc8c19', ARGV[at + 12], 3)
    aliases[n] = { key = read_mark(field, count), field = field, value = value }
  end
end

-- ── decide ────────────────────────────────────────────────────────────────────────────────

local function milliseconds(id) return tonumber(string.match(id, '^%d+')) end

local runs = {}  -- the entries after an entry, by its id
local function find_pending(answer, article)
  local last, number = string.match(answer, '^pending (%S+) (%d+)$')
  if not last then return nil end
  runs[last] = runs[last] or redis.call('XRANGE', stream, '(' .. last, '+', 'COUNT', MOST)
  local entry = runs[last][tonumber(number)]
  if not entry then return nil end
  local fields = {}
  for at = 1, #entry[2], 2 do fields[entry[2][at]] = entry[2][at + 1] end
  if fields.id ~= article then return nil end
  local story = fields.story and table.concat(
    { fields.story, fields.near_duplicate_of or '-', fields.similarity or '-' }, ' ')
  return { id = entry[1], revision = tonumber(fields.revision), story = story }
end

-- The decision on a request: {status, revision, differs}; with `id` if its entry exists already.
local function decide(at, mark, answer)
  local head, on_change = ARGV[at + 3], ARGV[at + 4]
  if mark and mark.alias then return { alias = mark.alias } end
  local differs = mark and string.sub(mark.head, 5) ~= string.sub(head, 5)
  local entry = answer and find_pending(string.sub(answer, 9), ARGV[at + 7])
  if entry then
    local status = entry.revision > 1 and 'revised' or 'published'
    if on_change == 'withdraw' then status = 'withdrawn' end
    return { status = status, id = entry.id, revision = entry.revision, differs = differs,
      story = entry.story }
  end
  local is_withdrawal = on_change == 'withdraw'
  local revise = mark and (on_change == 'force' or (on_change == 'revise' and differs)
    or (is_withdrawal and not mark.is_withdrawn))
  if (mark or is_withdrawal) and not revise then
    return { status = 'duplicate', revision = mark and mark.revision or 1, differs = differs }
  end
  if ARGV[at + 11] == '' then return nil end
  if not mark then return { status = 'published', revision = 1 } end
  local compared = ARGV[at + 12] ~= '' and struct.unpack('>I2', ARGV[at + 12]) or 0
  if compared > 0 and compared ~= mark.revision then return nil end
  return { status = is_withdrawal and 'withdrawn' or 'revised', differs = differs,
    revision = math.min(mark.revision + 1, 65535) }
end

-- The other key of an article that was read again becomes an alias, unless it is another article's.
local function plan_alias(n, plan, planned)
  local alias = aliases[n]
  if not alias then return end
  local name, target = alias.key .. alias.field, string.sub(alias.value, 5)
  local held = planned[name] or marks[name]
  plan.collides = held and held.alias ~= target
  if not plan.collides then
    plan.alias, planned[name] = alias, { alias = target }
  end
end

local answers, plans, to_append = {}, {}, {}
local planned = {}  -- the marks that this call is going to write
for n = 1, #names do
  local at = FIRST + (n - 1) * WIDTH
  local answer = earlier_answers[n]
  local is_ours = answer and string.sub(answer, 1, 8) == ARGV[at + 2]
  if is_ours and string.sub(answer, 9, 15) ~= 'pending' then
    answers[n] = string.sub(answer, 9)
  else
    local name = key_of[n] .. ARGV[at + 2]
    local mark = planned[name] or marks[name]
    local plan = decide(at, mark, is_ours and answer)
    if plan and plan.alias then
      answers[n], plan = 'alias ' .. plan.alias, nil
    elseif not plan then
      answers[n] = ''
    end
    plans[n] = plan
    if plan then plan_alias(n, plan, planned) end
    if plan and plan.status ~= 'duplicate' then
      if not plan.id then to_append[#to_append + 1] = n end
      -- A pending entry may be marked already, or even revised since.
      plan.is_marked = mark and mark.revision > plan.revision
      if not plan.is_marked then
        plan.is_withdrawn = plan.status == 'withdrawn'
        plan.head = plan.is_withdrawn and mark and mark.head or ARGV[at + 3]
        planned[name] = plan
      end
    end
  end
end

-- ── may all of it be written? ─────────────────────────────────────────────────────────────

local hashes, short_lived, moved, lives = { claims }, { claims }, {}, {}
for n = 1, #names do
  if plans[n] then
    local home = homes[key_of[n] .. ARGV[FIRST + (n - 1) * WIDTH + 2]]
    if home and home ~= key_of[n] then moved[#moved + 1] = home end
    local alias = plans[n].alias
    for _, key in pairs({ key_of[n], raw_key_of[n] or false, guid_key_of[n] or false, alias and alias.key }) do
      if key and not lives[key] then
        lives[key] = redis.call('TTL', key)
        hashes[#hashes + 1] = key
        if lives[key] < keep then short_lived[#short_lived + 1] = key end
      end
    end
  end
end
local obstacle = find_obstacle({ [stream] = 'stream' }, {
  HSET = hashes, EXPIRE = short_lived, HDEL = moved, XADD = #to_append > 0 and { stream } or {},
})
if obstacle then return obstacle end

-- ── write ─────────────────────────────────────────────────────────────────────────────────

local to_decide = {}  -- marks of the articles whose story is decided
for n = 1, #names do
  local marks = ARGV[FIRST + (n - 1) * WIDTH + 13]
  if plans[n] and plans[n].status ~= 'duplicate' and #marks > ARTICLE then to_decide[#to_decide + 1] = marks end
end
-- Whatever is in the window, an article is published: without a story if need be.
local is_open, window = pcall(open_window, ARGV[3], to_decide)
local problem = not is_open and window
if problem then window = nil end

-- The story of an article that is appended, or was by an earlier call; nil if it needs none.
local function story_of(at, plan)
  local marks, story = ARGV[at + 13], plan.story or ARGV[at + 14]
  if window and #marks > ARTICLE then
    local is_decided, answer = pcall(decide_story, window, ARGV[at + 7], marks, story)
    if is_decided then story = answer else problem = answer end
  end
  if story ~= '' then return story end
end

local function append(at, plan)
  local kind = 'article.' .. plan.status
  local fields = with_story({
    'type', kind, 'id', ARGV[at + 7], 'revision', plan.revision, 'title', ARGV[at + 8],
    'date', ARGV[at + 9], 'source', ARGV[at + 10], 'data', ARGV[at + 11],
  }, plan.story or '')
  return redis.call('XADD', stream, '*', unpack(fields))
end

local function answer_all(new_answers)
  if #new_answers == 0 then return end
  redis.call('HSET', claims, unpack(new_answers))
  redis.call('EXPIRE', claims, keep_claims)
end

if #to_append > 0 then
  local newest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  local last, pending = newest and newest[1] or '0-0', {}
  for number, n in ipairs(to_append) do
    pending[#pending + 1] = names[n]
    pending[#pending + 1] = string.format('%spending %s %d', ARGV[FIRST + (n - 1) * WIDTH + 2], last, number)
  end
  answer_all(pending)
end

local written, touched, new_answers = {}, {}, {}
local function write_raw(key, field, before, mark)
  if before ~= mark then redis.call('HSET', key, field, mark) end
  touched[key] = true
end
for n = 1, #names do
  local at, plan = FIRST + (n - 1) * WIDTH, plans[n]
  if plan then
    local key, field = key_of[n], ARGV[at + 2]
    local name = key .. field
    local mark, home = written[name] or marks[name], homes[name]
    if plan.status == 'duplicate' then
      if home and home ~= key then redis.call('HSET', key, field, mark.value) end
    else
      plan.story = story_of(at, plan)
      local id = plan.id or append(at, plan)
      if window and (plan.is_withdrawn or mark and mark.is_withdrawn) then
        set_valid(window, string.sub(ARGV[at + 13], 1, ARTICLE), not plan.is_withdrawn)
      end
      local value = (plan.head or ARGV[at + 3]) .. struct.pack('>I6', mark and mark.first_ms or milliseconds(id))
      if plan.revision > 1 then value = value .. struct.pack('>I2I6', plan.revision, milliseconds(id)) end
      if plan.is_withdrawn then value = value .. 'w' end
      if not plan.is_marked then
        redis.call('HSET', key, field, value)
        mark = parse_mark(value)
        written[name] = mark
      end
      plan.id = id
    end
    if plan.alias then
      redis.call('HSET', plan.alias.key, plan.alias.field, plan.alias.value)
      touched[plan.alias.key] = true
    end
    if home and home ~= key then redis.call('HDEL', home, field) end
    homes[name] = nil
    answers[n] = string.format('%s %d %.0f %s %d', plan.status, plan.revision,
      mark and mark.first_ms or 0, plan.id or '-',
      (plan.differs and 1 or 0) + (plan.collides and 2 or 0))
    if plan.story then answers[n] = answers[n] .. ' ' .. plan.story end
    touched[key] = true
    -- Without a raw mark, bytes whose content differs from the published one are parsed each
    -- time, so that the difference is reported each time.
    if raw_key_of[n] and not (plan.status == 'duplicate' and plan.differs) then
      write_raw(raw_key_of[n], ARGV[at + 5], raws[n], ARGV[at + 6])
    end
    if guid_key_of[n] then write_raw(guid_key_of[n], ARGV[at + 15], guids[n], ARGV[at + 6]) end
    new_answers[#new_answers + 1] = names[n]
    new_answers[#new_answers + 1] = field .. answers[n]
  end
end

if window then
  local is_closed, failure = pcall(close_window, window)
  if not is_closed then problem = failure end
end

-- A day is added so that most calls need not extend the time: each write goes to the disk too.
for key in pairs(touched) do
  if lives[key] < keep then redis.call('EXPIRE', key, keep + 86400) end
end
answer_all(new_answers)
answers[#names + 1] = problem or window and window.problem
return answers

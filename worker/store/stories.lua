-- The window of stories: the first articles of the last days by what recognises their texts. Put
-- after sketches.lua and before the scripts that decide which story an article tells.
--
-- Only the first article of a story is in the window: a thousand copies cost no more than one, and
-- a story cannot drift from copy to copy. Below a prefix there are hashes:
--
--   state        n number of records ever, d<day> the first record of a day, l<digits> the last day on
--                which lists of so many digits were written
--   e:<block>    record -> article (15 bytes: date and key), story (15, another one only where that
--                was withdrawn), sketch (96)
--   b:<digits>   digits of a band -> list: tags of bands (3) with records (4), in their order
--   withdrawn    the articles that are not valid any more
--
-- A call of a command costs more than what it reads, so one reads and one writes all bands of a text,
-- and one `struct.unpack` splits them. The more articles are in the window, the more digits of a band
-- choose its list: a list has up to some 24 bands. What is too old in it goes when the list is much
-- longer than most are, so that few writes pay for it; a hash expires some days after it was last
-- written.
--
-- No error in the window may keep an article from being published: a key of a wrong type and a damaged
-- value are passed over, and publish.lua goes on after an error; `window.problem` says what was wrong.
-- `worker/normalize/stories/sketch.py` explains bands and sketches.

local BANDS, DIGITS, BAND = 8, 5, 8  -- of a text; an address is one more band
local ARTICLE, SKETCH, BLOCK, POSTING = 15, 96, 1000, 7
local LEAST_DIGITS, MOST_ARTICLES = 3, { [3] = 12288, [4] = 196608, [5] = math.huge }  -- of so many digits
-- Bounds of the work for one text, whatever is in the window: a band with 8 live records is that of a
-- footer or a template, and says nothing; so at most 9 * 7 candidates are counted for each number of
-- digits in use, and the 8 with most bands in common are compared, until one is as near as ENOUGH.
local MAX_OF_BAND, MAX_COMPARED, ENOUGH = 8, 8, 0.9
local LONG = 1.5         -- times the mean length: from there on a list loses what is too old
local sub, rep, find, byte, unpack_bytes = string.sub, string.rep, string.find, string.byte, struct.unpack

-- Runs a command on a key of the window; nil if that fails.
local function run(window, command, key, ...)
  local reply = redis.pcall(command, key, ...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  window.problem = key .. ': ' .. reply.err
end

-- `text`: prefix, number of the present day, how many days before it belong to the window. `most` is
-- how many articles the call may add.
local function open_window(text, most)
  local prefix, today, days = string.match(text, '^(%S+) (%d+) (%d+)$')
  if not prefix then return nil end
  today, days = tonumber(today), tonumber(days)
  local window = { prefix = prefix, state = prefix .. 'state', today = today, ttl = (days + 2) * 86400,
    next = 0, reserved = 0, most = most, added = 0, digits = {} }
  local state = run(window, 'HGETALL', window.state) or {}
  for at = 1, #state, 2 do
    local name, value = state[at], tonumber(state[at + 1])
    local kind, number = sub(name, 1, 1), tonumber(sub(name, 2))
    if kind == 'n' then
      window.next = value
    elseif kind == 'd' and number >= today - days then
      window.oldest = math.min(window.oldest or value, value)
      if number == today then window.first_today = value end
    elseif kind == 'd' then
      run(window, 'HDEL', window.state, name)
    elseif kind == 'l' and value >= today - days then
      window.digits[number] = value
    end
  end
  window.oldest = window.oldest or window.next
  return window
end

local function read_record(window, record)
  local key = window.prefix .. 'e:' .. math.floor(record / BLOCK)
  local value = run(window, 'HGET', key, record)
  if type(value) ~= 'string' then return nil end
  if #value ~= 2 * ARTICLE + SKETCH then
    window.problem = key .. ': a record is damaged'
    return nil
  end
  return { key = key, field = record, value = value, article = sub(value, 1, ARTICLE),
    story = sub(value, ARTICLE + 1, 2 * ARTICLE) }
end

-- The live records that a list has under a tag.
local function find_records(window, list, tag)
  local found, at = {}, find(list, tag, 1, true)
  while at do
    if (at - 1) % POSTING == 0 then
      local record = unpack_bytes('>I4', list, at + 3)
      if record >= window.oldest then found[#found + 1] = record end
    end
    at = find(list, tag, at + 1, true)
  end
  return found
end

-- The bands of a text: their tags, after the last of which `struct` adds a number. `find_nearest` fills
-- `lists`, by digits, and `records`: how many live ones are under a tag.
local function split_bands(packed)
  local count = #packed / BAND
  return { packed = packed, count = count, names = {}, lists = {}, records = {},
    tags = { unpack_bytes(rep(rep('x', DIGITS) .. 'c3', count), packed) } }
end

-- So many digits of each band, and a number after the last one.
local function names_of(bands, digits)
  if not bands.names[digits] then
    local one = 'c' .. digits .. rep('x', BAND - digits)
    bands.names[digits] = { unpack_bytes(rep(one, bands.count), bands.packed) }
  end
  return bands.names[digits]
end

-- Up to MAX_COMPARED of the records found, those with most bands in common first.
local function choose_candidates(found, hits, most)
  local chosen = {}
  for count = most, 1, -1 do
    for n = 1, #found do
      if hits[found[n]] == count then
        chosen[#chosen + 1] = found[n]
        if #chosen == MAX_COMPARED then return chosen end
      end
    end
  end
  return chosen
end

-- The record of the window whose text is nearest to a text, and the similarity, which is nil where
-- the addresses are the same and the texts are not alike; or nil. The record of the article itself
-- is preferred, then one with its address, which counts as more than all bands of a text.
local function find_nearest(window, article, bands, sketch)
  local hits, found, most_hits = {}, {}, 0
  local tags, lists, records = bands.tags, bands.lists, bands.records
  local address = bands.count ~= BANDS and bands.count or nil
  for digits in pairs(window.digits) do
    local names = names_of(bands, digits)
    local read = run(window, 'HMGET', window.prefix .. 'b:' .. digits, unpack(names, 1, bands.count)) or {}
    for n = 1, #read do
      local list, tag = read[n], tags[n]
      if list and #list % POSTING ~= 0 then
        window.problem = window.prefix .. 'b:' .. digits .. ': a list is damaged'
      elseif list then
        lists[names[n]] = list
        if find(list, tag, 1, true) then
          local live = find_records(window, list, tag)
          records[tag] = (records[tag] or 0) + #live
          for _, record in ipairs(#live < MAX_OF_BAND and live or {}) do
            local count = hits[record]
            if not count then count, found[#found + 1] = 0, record end
            count = count + (n == address and BANDS + 1 or 1)
            hits[record], most_hits = count, math.max(count, most_hits)
          end
        end
      end
    end
  end
  if #found == 0 then return nil end
  local bytes, nearest, most = { byte(sketch, 1, SKETCH) }, nil, 0
  for _, candidate in ipairs(choose_candidates(found, hits, most_hits)) do
    local record = read_record(window, candidate)
    if record and record.article == article then return record, 1 end
    local share = record and similarity(bytes, { byte(record.value, 2 * ARTICLE + 1, 2 * ARTICLE + SKETCH) }) or 0
    if record and hits[candidate] > BANDS then return record, share > 0 and share or nil end
    if share > most then nearest, most = record, share end
    if most >= ENOUGH then break end
  end
  return nearest, most
end

-- The number of the next record; the numbers of a call are taken at once. nil if that fails.
local function next_record(window)
  if window.reserved == 0 then
    local count = run(window, 'HINCRBY', window.state, 'n', window.most)
    if type(count) ~= 'number' then return nil end
    window.next, window.reserved = count - window.most, window.most
  end
  local record = window.next
  window.next, window.reserved, window.added = record + 1, window.reserved - 1, window.added + 1
  if not window.first_today then
    window.first_today = record
    run(window, 'HSET', window.state, 'd' .. window.today, record)
    run(window, 'EXPIRE', window.state, window.ttl)
  end
  return record
end

-- A list without the postings that are too old.
local function without_old(window, list)
  local old = 0
  while old < #list and unpack_bytes('>I4', list, old + 4) < window.oldest do old = old + POSTING end
  return old > 0 and sub(list, old + 1) or list
end

-- Adds the first article of a story, after `find_nearest` has read its bands; not one that could not
-- be found, because all its bands are crowded.
local function add_first(window, article, story, bands, sketch)
  local crowded = 0
  for n = 1, bands.count do
    if (bands.records[bands.tags[n]] or 0) >= MAX_OF_BAND then crowded = crowded + 1 end
  end
  local record = crowded < bands.count and next_record(window)
  if not record then return end
  local block = window.prefix .. 'e:' .. math.floor(record / BLOCK)
  run(window, 'HSET', block, record, article .. story .. sketch)
  if block ~= window.block then
    window.block = block
    run(window, 'EXPIRE', block, window.ttl)
  end
  local digits = LEAST_DIGITS
  while record - window.oldest >= MOST_ARTICLES[digits] do digits = digits + 1 end
  local names, tags, lists = names_of(bands, digits), bands.tags, bands.lists
  local packed = struct.pack('>I4', record)
  local long = POSTING * (LONG * BANDS * (record - window.oldest) / 16 ^ digits + 2)
  local values = {}
  for n = 1, bands.count do
    local name, tag = names[n], tags[n]
    local list = lists[name] or ''
    if (bands.records[tag] or 0) < MAX_OF_BAND then
      if #list > long then list = without_old(window, list) end
      list = list .. tag .. packed
      lists[name], values[#values + 1], values[#values + 2] = list, name, list
    end
  end
  run(window, 'HSET', window.prefix .. 'b:' .. digits, unpack(values))
  if window.digits[digits] ~= window.today then
    window.digits[digits] = window.today
    run(window, 'HSET', window.state, 'l' .. digits, window.today)
    run(window, 'EXPIRE', window.prefix .. 'b:' .. digits, window.ttl)
  end
end

-- Says whether an article is valid: where the first one of a story is not, the next is the first.
local function set_valid(window, article, is_valid)
  local key = window.prefix .. 'withdrawn'
  if article == '' or window.next == 0 then return end
  if is_valid then
    run(window, 'HDEL', key, article)
  else
    run(window, 'HSET', key, article, '1')
    run(window, 'EXPIRE', key, window.ttl)
  end
end

-- Date and key of an article (15 bytes) as its id.
local function id_of(article)
  local date = unpack_bytes('>I3', article)
  local day = date == 0 and 'undated' or string.format(
    '%04d%02d%02d', math.floor(date / 512), math.floor(date / 32) % 16, date % 32)
  local digits = string.gsub(sub(article, 4), '.', function(char)
    return string.format('%02x', byte(char))
  end)
  return day .. '-' .. digits
end

-- Decides which story an article tells: '<story> <first valid article or -> <similarity or ->'. An
-- article that is the first is added. `id` is the article's, `marks` are it again (packed), bands and
-- sketch; `earlier` is an answer that was given before and stays, or ''.
local function decide_story(window, id, marks, earlier)
  if earlier ~= '' and sub(earlier, -4) ~= ' - -' then return earlier end
  local article = sub(marks, 1, ARTICLE)
  local bands, sketch = split_bands(sub(marks, ARTICLE + 1, -SKETCH - 1)), sub(marks, -SKETCH)
  local record, share = find_nearest(window, article, bands, sketch)
  if record and record.article == article then
    return earlier ~= '' and earlier or id_of(record.story) .. ' - -'
  end
  if record and earlier == '' then
    if run(window, 'HEXISTS', window.prefix .. 'withdrawn', record.article) ~= 1 then
      share = share and string.format('%.2f', share) or '-'
      return string.format('%s %s %s', id_of(record.story), id_of(record.article), share)
    end
    -- The first article is not valid any more: this one takes its place in the story.
    run(window, 'HSET', record.key, record.field, article .. sub(record.value, ARTICLE + 1))
    add_first(window, article, record.story, bands, sketch)
    return id_of(record.story) .. ' - -'
  end
  add_first(window, article, article, bands, sketch)
  return earlier ~= '' and earlier or id .. ' - -'
end


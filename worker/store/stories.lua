-- The window of stories: the first articles of the last days by what recognises their texts. Put
-- after sketches.lua and before the scripts that decide which story an article tells.
--
-- Only the first article of a story is in the window: a thousand copies cost no more than one, and
-- a story cannot drift from copy to copy. Below a prefix there are:
--
--   state        hash: n number of records ever, d<day> the first record of a day, l the last day on
--                which lists were written
--   e:<block>    string: so many records in their order: article (15 bytes: date and key), story (15,
--                another one only where that was withdrawn), sketch (96)
--   l            hash: number of a list -> tags of bands (2 bytes) with records (4), in their order
--   withdrawn    hash: the articles that are not valid any more
--
-- A call of a command costs more than what it reads. So the lists of all texts of a call are read at
-- once when it opens the window, and what it adds is written at once when it closes the window. With
-- 1,000,000 articles a list has some 4 bands. What is too old in a list goes when it is much longer
-- than most are, so that few writes pay for it; a key expires some days after it was last written.
--
-- No error in the window may keep an article from being published: a key of a wrong type and a damaged
-- value are passed over, and publish.lua continues after an error; `window.problem` says what was wrong.
-- `worker/normalize/stories/sketch.py` explains bands and sketches.

local BANDS, BAND, LISTS = 8, 8, 2 ^ 21  -- of a text; an address is one more band
local LIST_NAME, TAG = 'xxxc3xx', 'xxxxxxc2'  -- of a band
local ARTICLE, SKETCH, BLOCK, POSTING = 15, 96, 256, 6
local RECORD, NO_ARTICLE = 2 * ARTICLE + SKETCH, string.rep('\0', ARTICLE)
-- Bounds of the work for one text, whatever is in the window: a band with 8 live records is that of a
-- footer or a template, and says nothing; so at most 9 * 7 candidates are counted, and the 8 with most
-- bands in common are compared, until one is as near as ENOUGH.
local MAX_OF_BAND, MAX_COMPARED, ENOUGH = 8, 8, 0.9
local LONG = 1.5         -- times the mean length: from there on a list loses what is too old
local sub, rep, find, byte, unpack_bytes = string.sub, string.rep, string.find, string.byte, struct.unpack

-- Runs a command on a key of the window; nil if that fails.
local function run(window, command, key, ...)
  local reply = redis.pcall(command, key, ...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  window.problem = key .. ': ' .. reply.err
end

-- Reads the lists of the bands of texts: `all_marks` are those of the articles whose story the call
-- decides (article, bands, sketch).
local function read_lists(window, all_marks)
  local bands, count = {}, 0
  for n, marks in ipairs(all_marks) do
    bands[n] = sub(marks, ARTICLE + 1, -SKETCH - 1)
    window.first_bands[marks] = count + 1
    count = count + #bands[n] / BAND
  end
  if count == 0 then return end
  local packed, lists = table.concat(bands), window.lists
  local names = { unpack_bytes(rep(LIST_NAME, count), packed) }
  window.names, window.tags = names, { unpack_bytes(rep(TAG, count), packed) }
  for n, list in ipairs(run(window, 'HMGET', window.prefix .. 'l', unpack(names, 1, count)) or {}) do
    if list and #list % POSTING ~= 0 then
      window.problem = window.prefix .. 'l: a list is damaged'
    elseif list then
      lists[names[n]] = list
    end
  end
end

-- `text`: prefix, number of the present day, how many days before it belong to the window.
local function open_window(text, all_marks)
  local prefix, today, days = string.match(text, '^(%S+) (%d+) (%d+)$')
  if not prefix then return nil end
  today, days = tonumber(today), tonumber(days)
  local window = { prefix = prefix, state = prefix .. 'state', today = today, ttl = (days + 2) * 86400,
    next = 0, added = {}, first_bands = {}, lists = {}, values = {} }
  local state = run(window, 'HGETALL', window.state) or {}
  for at = 1, #state, 2 do
    local name, value = state[at], tonumber(state[at + 1])
    local kind, number = sub(name, 1, 1), tonumber(sub(name, 2))
    if kind == 'n' then
      window.next = value
    elseif kind == 'l' then
      window.last_day = value
    elseif kind == 'd' and number >= today - days then
      window.oldest = math.min(window.oldest or value, value)
      if number == today then window.first_today = value end
    elseif kind == 'd' then
      run(window, 'HDEL', window.state, name)
    end
  end
  window.oldest = window.oldest or window.next
  read_lists(window, all_marks)
  return window
end

-- Key and place of a record.
local function place_of(window, record)
  return window.prefix .. 'e:' .. math.floor(record / BLOCK), record % BLOCK * RECORD
end

-- A record, and its article; nil if there is none.
local function read_record(window, record)
  local key, from = place_of(window, record)
  local value = window.added[record - window.next + 1] or run(window, 'GETRANGE', key, from, from + RECORD - 1)
  local article = value and sub(value, 1, ARTICLE) or ''
  if article == '' or article == NO_ARTICLE then return nil end
  if #value < RECORD then
    window.problem = key .. ': a record is damaged'
    return nil
  end
  return value, article
end

-- Puts an article into the place of the one of a record, which is not valid any more.
local function replace_article(window, record, value, article)
  local at, key, from = record - window.next + 1, place_of(window, record)
  if window.added[at] then
    window.added[at] = article .. sub(value, ARTICLE + 1)
  else
    run(window, 'SETRANGE', key, from, article)
  end
end

-- The live records that a list has under a tag.
local function find_records(window, list, tag)
  local records, at = {}, find(list, tag, 1, true)
  while at do
    if (at - 1) % POSTING == 0 then
      local record = unpack_bytes('>I4', list, at + 2)
      if record >= window.oldest then records[#records + 1] = record end
    end
    at = find(list, tag, at + 1, true)
  end
  return records
end

-- Up to MAX_COMPARED of `records`, those with most bands in common first.
local function choose_candidates(records, hits, most)
  local chosen = {}
  for count = most, 1, -1 do
    for n = 1, #records do
      if hits[records[n]] == count then
        chosen[#chosen + 1] = records[n]
        if #chosen == MAX_COMPARED then return chosen end
      end
    end
  end
  return chosen
end

-- The record of the window whose text is nearest to a text (number and value), and the similarity,
-- which is nil where the addresses are the same and the texts are not alike; or nil. The record of the
-- article itself is preferred, then one with its address, which counts as more than all bands of a text.
local function find_nearest(window, text)
  local hits, records, most_hits = {}, {}, 0
  local names, tags, lists = window.names, window.tags, window.lists
  for n = text.first, text.last do
    local list, tag = lists[names[n]], tags[n]
    if list and find(list, tag, 1, true) then
      local live = find_records(window, list, tag)
      if #live >= MAX_OF_BAND then
        text.crowded[n], text.crowded_count = true, text.crowded_count + 1
        live = {}
      end
      for _, record in ipairs(live) do
        local count = hits[record]
        if not count then count, records[#records + 1] = 0, record end
        count = count + (n == text.address and BANDS + 1 or 1)
        hits[record], most_hits = count, math.max(count, most_hits)
      end
    end
  end
  if #records == 0 then return nil end
  local bytes, nearest, nearest_value, most = { byte(text.sketch, 1, SKETCH) }, nil, nil, 0
  for _, candidate in ipairs(choose_candidates(records, hits, most_hits)) do
    local value, article = read_record(window, candidate)
    if value and article == text.article then return candidate, value, 1 end
    local share = value and similarity(bytes, value, 2 * ARTICLE) or 0
    if value and hits[candidate] > BANDS then return candidate, value, share > 0 and share or nil end
    if share > most then nearest, nearest_value, most = candidate, value, share end
    if most >= ENOUGH then break end
  end
  return nearest, nearest_value, most
end

-- A list without the postings that are too old.
local function without_old(window, list)
  local old = 0
  while old < #list and unpack_bytes('>I4', list, old + 3) < window.oldest do old = old + POSTING end
  return old > 0 and sub(list, old + 1) or list
end

-- Adds the first article of a story, after `find_nearest` has found which bands are crowded; not one
-- that could not be found, because all of them are.
local function add_first(window, text, story)
  if text.crowded_count > text.last - text.first then return end
  local record = window.next + #window.added
  window.added[#window.added + 1] = text.article .. story .. text.sketch
  local names, tags, lists, values, last = window.names, window.tags, window.lists, window.values, #window.values
  local packed = struct.pack('>I4', record)
  local long = POSTING * (LONG * BANDS * (record - window.oldest) / LISTS + 1)
  for n = text.first, text.last do
    if not text.crowded[n] then
      local name, tag = names[n], tags[n]
      local list = lists[name] or ''
      if #list > long then list = without_old(window, list) end
      list = list .. tag .. packed
      lists[name], values[last + 1], values[last + 2] = list, name, list
      last = last + 2
    end
  end
end

-- Writes what the call has added.
local function close_window(window)
  local count, lists = #window.added, window.prefix .. 'l'
  -- The number is first: a record whose number is used twice would be another article's.
  if count == 0 or type(run(window, 'HINCRBY', window.state, 'n', count)) ~= 'number' then return end
  if not window.first_today then
    run(window, 'HSET', window.state, 'd' .. window.today, window.next)
    run(window, 'EXPIRE', window.state, window.ttl)
  end
  local record, stop = window.next, window.next + count
  while record < stop do
    local key, from = place_of(window, record)
    local most = math.min(stop, record - record % BLOCK + BLOCK)
    if from == 0 then run(window, 'SETRANGE', key, BLOCK * RECORD - 1, '\0') end  -- allocated at once
    local first = record - window.next + 1
    run(window, 'SETRANGE', key, from, table.concat(window.added, '', first, first + most - record - 1))
    run(window, 'EXPIRE', key, window.ttl)
    record = most
  end
  run(window, 'HSET', lists, unpack(window.values))
  if window.last_day ~= window.today then
    run(window, 'HSET', window.state, 'l', window.today)
    run(window, 'EXPIRE', lists, window.ttl)
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
  return day .. '-' .. string.format(rep('%02x', ARTICLE - 3), byte(article, 4, ARTICLE))
end

-- Decides which story an article tells: '<story> <first valid article or -> <similarity or ->'. An
-- article that is the first is added. `id` is the article's, `marks` are it again (packed), bands and
-- sketch, with which the window was opened; `earlier` is an answer that was given before and stays, or ''.
local function decide_story(window, id, marks, earlier)
  if earlier ~= '' and sub(earlier, -4) ~= ' - -' then return earlier end
  local at, count = window.first_bands[marks], (#marks - ARTICLE - SKETCH) / BAND
  local text = { article = sub(marks, 1, ARTICLE), sketch = sub(marks, -SKETCH), first = at,
    last = at + count - 1, address = count ~= BANDS and at + count - 1, crowded = {}, crowded_count = 0 }
  local record, value, share = find_nearest(window, text)
  local first = record and sub(value, 1, ARTICLE)
  local story = record and sub(value, ARTICLE + 1, 2 * ARTICLE)
  if record and first == text.article then return earlier ~= '' and earlier or id_of(story) .. ' - -' end
  if record and earlier == '' then
    if run(window, 'HEXISTS', window.prefix .. 'withdrawn', first) ~= 1 then
      return string.format('%s %s %s', id_of(story), id_of(first), share and string.format('%.2f', share) or '-')
    end
    -- The first article is not valid any more: this one takes its place in the story.
    replace_article(window, record, value, text.article)
    add_first(window, text, story)
    return id_of(story) .. ' - -'
  end
  add_first(window, text, text.article)
  return earlier ~= '' and earlier or id .. ' - -'
end

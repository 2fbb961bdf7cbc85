-- The window of stories: the first articles of the last days by what recognises their texts. Put
-- before the scripts that decide which story an article tells.
--
-- Only the first article of a story is in the window: a thousand copies cost no more than one, and
-- a story cannot drift from copy to copy. Below a prefix, for each *bucket* (some days, by number):
--
--   <bucket>:n               how many articles it has
--   <bucket>:e:<block>       their records, 32 a string: article (15 bytes: date and key), story (15,
--                            another one only where that was withdrawn), sketch (94)
--   <bucket>:b<level>:<shard>  where a band occurs: tags of bands (3) with numbers of records (4)
--   withdrawn                hash: articles that are not valid any more
--
-- All keys of a bucket expire together. The lists of bands are strings that hold some 50 bands each,
-- because a key of its own costs 120 bytes: the more articles a bucket has, the more lists (levels)
-- its next ones are spread over.
--
-- No error in the window may keep an article from being published: a key of a wrong type is passed
-- over. `worker/normalize/stories/sketch.py` explains bands and sketches, and has the same rule.

local BANDS, BAND, SLOTS, NUMBERS = 12, 5, 64, 14
local ARTICLE, SKETCH, BLOCK = 15, 94, 32
local RECORD = 2 * ARTICLE + SKETCH
local STARTS = { 0, 2048, 8192, 32768 }   -- the first record of each level
local DIVISORS = { 64, 16, 4, 1 }         -- 1,024 lists on the first level, 65,536 on the last
local MAX_OF_BAND = 16   -- records a bucket has under one band: a footer is in all of a site's texts
local MAX_COMPARED = 16
local SAME_SHARE, MIN_LENGTH_RATIO, SAME_NUMBERS = 0.5, 0.15, 0.6

-- `text`: prefix, number of the present bucket, how many older ones are read, seconds that it lives.
local function open_window(text)
  local prefix, present, older, ttl = string.match(text, '^(%S+) (%d+) (%d+) (%d+)$')
  if not prefix then return nil end
  local window = { prefix = prefix, present = tonumber(present), ttl = tonumber(ttl), buckets = {} }
  local numbers, names = {}, {}
  -- The next one, too: another machine's clock may be ahead.
  for number = window.present + 1, window.present - tonumber(older), -1 do
    numbers[#numbers + 1] = number
    names[#names + 1] = prefix .. number .. ':n'
  end
  for n, count in ipairs(redis.call('MGET', unpack(names))) do
    if count or numbers[n] == window.present then
      local bucket = { number = numbers[n], count = tonumber(count) or 0 }
      window.buckets[#window.buckets + 1] = bucket
      if bucket.number == window.present then window.bucket = bucket end
    end
  end
  return window
end

local function level_of(record)
  for level = #STARTS, 1, -1 do
    if record >= STARTS[level] then return level end
  end
end

-- The key of the list that has band number `n` (from 0) of `bands`, and the band's tag in it.
local function find_list(window, bucket, level, bands, n)
  local shard = struct.unpack('>I2', bands, n * BAND + 1)
  local key = string.format('%s%d:b%d:%x', window.prefix, bucket.number, level,
    math.floor(shard / DIVISORS[level]))
  return key, string.sub(bands, n * BAND + 3, (n + 1) * BAND)
end

-- Calls `on_record` with the number of each record that a list has under a tag.
local function each_record(list, tag, on_record)
  local at = string.find(list, tag, 1, true)
  while at do
    if (at - 1) % 7 == 0 then on_record((struct.unpack('>I4', list, at + 3))) end
    at = string.find(list, tag, at + 1, true)
  end
end

local function read_record(window, number, record)
  local key = string.format('%s%d:e:%d', window.prefix, number, math.floor(record / BLOCK))
  local at = record % BLOCK * RECORD
  local value = redis.pcall('GETRANGE', key, at, at + RECORD - 1)
  if type(value) ~= 'string' or #value < RECORD then return nil end
  return { key = key, at = at, article = string.sub(value, 1, ARTICLE),
    story = string.sub(value, ARTICLE + 1, 2 * ARTICLE), sketch = string.sub(value, 2 * ARTICLE + 1) }
end

local function numbers_agree(first, second)
  local function number(bytes, n)
    return (bytes[SLOTS + 1 + 2 * n] or 0) * 256 + (bytes[SLOTS + 2 + 2 * n] or 0)
  end
  local most = math.min(number(first, NUMBERS), number(second, NUMBERS))
  local one, other, common, counts = 1, 1, 0, { 0, 0 }
  while one <= NUMBERS or other <= NUMBERS do
    local a = one <= NUMBERS and number(first, one) or 65535
    local b = other <= NUMBERS and number(second, other) or 65535
    local least = math.min(a, b)
    if least == 65535 or least > most then break end
    if a == b then common = common + 1 end
    if a == least then one, counts[1] = one + 1, counts[1] + 1 end
    if b == least then other, counts[2] = other + 1, counts[2] + 1 end
  end
  return common >= SAME_NUMBERS * math.min(counts[1], counts[2])
end

-- `similarity` of sketch.py; both sketches are tables of bytes.
local function similarity(first, second)
  local size, other_size = first[1] * 256 + first[2], second[1] * 256 + second[2]
  local shorter = math.min(size, other_size)
  if shorter < MIN_LENGTH_RATIO * math.max(size, other_size) then return 0 end
  local equal = 0
  for n = 3, SLOTS + 2 do
    if first[n] == second[n] then equal = equal + 1 end
  end
  local share = math.max(0, (equal / SLOTS - 1 / 256) / (1 - 1 / 256))
  local contained = math.min(1, share / (1 + share) * (size + other_size) / shorter)
  if contained < SAME_SHARE or not numbers_agree(first, second) then return 0 end
  return contained
end

-- The record of the window whose text is nearest to a text, and the similarity; or nil. The record
-- of the article itself is preferred. `lists` is filled with the lists that were read, by key.
local function find_nearest(window, article, bands, sketch, lists)
  local names, tags, numbers = {}, {}, {}
  for _, bucket in ipairs(window.buckets) do
    for level = 1, #STARTS do
      if bucket.count > STARTS[level] then
        for n = 0, BANDS - 1 do
          names[#names + 1], tags[#tags + 1] = find_list(window, bucket, level, bands, n)
          numbers[#numbers + 1] = bucket.number
        end
      end
    end
  end
  if #names == 0 then return nil end
  local hits, found = {}, {}
  for n, list in ipairs(redis.call('MGET', unpack(names))) do
    if list then
      lists[names[n]] = list
      each_record(list, tags[n], function(record)
        local place = numbers[n] * 2 ^ 32 + record
        if not hits[place] then found[#found + 1] = place end
        hits[place] = (hits[place] or 0) + 1
      end)
    end
  end
  table.sort(found, function(a, b)
    if hits[a] ~= hits[b] then return hits[a] > hits[b] end
    return a < b
  end)
  local bytes, nearest, most = { string.byte(sketch, 1, SKETCH) }, nil, 0
  for n = 1, math.min(#found, MAX_COMPARED) do
    local number = math.floor(found[n] / 2 ^ 32)
    local record = read_record(window, number, found[n] - number * 2 ^ 32)
    if record and record.article == article then return record, 1 end
    local share = record and similarity(bytes, { string.byte(record.sketch, 1, SKETCH) }) or 0
    if share > most then nearest, most = record, share end
  end
  return nearest, most
end

-- Adds the first article of a story. `lists` are those that `find_nearest` read.
local function add_first(window, article, story, bands, sketch, lists)
  local bucket, counter = window.bucket, window.prefix .. window.present .. ':n'
  local count = redis.pcall('INCR', counter)
  if type(count) ~= 'number' then return end
  if count == 1 then redis.call('EXPIRE', counter, window.ttl) end
  bucket.count = count
  local record = count - 1
  local block = string.format('%s%d:e:%d', window.prefix, window.present, math.floor(record / BLOCK))
  if record % BLOCK == 0 then
    redis.pcall('SETRANGE', block, BLOCK * RECORD - 1, '\0')  -- whole at once: it never grows
    redis.call('EXPIRE', block, window.ttl)
  end
  redis.pcall('SETRANGE', block, record % BLOCK * RECORD, article .. story .. sketch)
  local level = level_of(record)
  for n = 0, BANDS - 1 do
    local key, tag = find_list(window, bucket, level, bands, n)
    local list, same = lists[key], 0
    if list then each_record(list, tag, function() same = same + 1 end) end
    if same < MAX_OF_BAND then
      redis.pcall('APPEND', key, tag .. struct.pack('>I4', record))
      if not list then redis.call('EXPIRE', key, window.ttl) end
    end
  end
end

-- Says whether an article is valid: where the first one of a story is not, the next is the first.
local function set_valid(window, article, is_valid)
  local key = window.prefix .. 'withdrawn'
  if article == '' or #window.buckets == 1 and window.bucket.count == 0 then return end
  if is_valid then
    redis.call('HDEL', key, article)
  else
    redis.call('HSET', key, article, '1')
    redis.call('EXPIRE', key, window.ttl)
  end
end

-- Date and key of an article (15 bytes) as its id.
local function id_of(article)
  local date = struct.unpack('>I3', article)
  local day = date == 0 and 'undated' or string.format(
    '%04d%02d%02d', math.floor(date / 512), math.floor(date / 32) % 16, date % 32)
  local digits = string.gsub(string.sub(article, 4), '.', function(char)
    return string.format('%02x', string.byte(char))
  end)
  return day .. '-' .. digits
end

-- Decides which story an article tells: '<story> <first valid article or -> <similarity or ->'. An
-- article that is the first is added. `marks`: article, bands, sketch; `told`: an answer that was
-- given before and stays, or ''.
local function decide_story(window, marks, told)
  local article = string.sub(marks, 1, ARTICLE)
  local bands = string.sub(marks, ARTICLE + 1, ARTICLE + BANDS * BAND)
  local sketch = string.sub(marks, ARTICLE + BANDS * BAND + 1)
  if told ~= '' and string.sub(told, -4) ~= ' - -' then return told end
  local lists = {}
  local record, share = find_nearest(window, article, bands, sketch, lists)
  if record and record.article == article then
    return told ~= '' and told or id_of(record.story) .. ' - -'
  end
  local story = article
  if record and told == '' then
    if redis.call('HEXISTS', window.prefix .. 'withdrawn', record.article) == 0 then
      return string.format('%s %s %.2f', id_of(record.story), id_of(record.article), share)
    end
    -- The first article is not valid any more: this one takes its place in the story.
    story = record.story
    redis.call('SETRANGE', record.key, record.at, article)
  end
  add_first(window, article, story, bands, sketch, lists)
  return told ~= '' and told or id_of(story) .. ' - -'
end


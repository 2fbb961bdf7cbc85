-- The similarity of two texts, by their sketches: the rule of `worker/normalize/stories/sketch.py`.

local SLOTS, NUMBERS = 64, 14
local SAME_SHARE, MIN_LENGTH_RATIO, SAME_NUMBERS, SURE_SHARE = 0.5, 0.15, 0.6, 0.9
local NONE = 65535       -- no number
local RELEASE = 32768    -- from there on the number of a title is that of a release

local function numbers_agree(first, second, share)
  local function number(bytes, n)
    return (bytes[SLOTS + 1 + 2 * n] or 255) * 256 + (bytes[SLOTS + 2 + 2 * n] or 255)
  end
  local title, other_title = number(first, NUMBERS + 1), number(second, NUMBERS + 1)
  local is_sure = share >= SURE_SHARE and math.min(title, other_title) < RELEASE
  if title ~= other_title and math.max(title, other_title) < NONE and not is_sure then
    return false
  end
  local most = math.min(number(first, NUMBERS), number(second, NUMBERS))
  local one, other, common, counts = 1, 1, 0, { 0, 0 }
  while one <= NUMBERS or other <= NUMBERS do
    local a = one <= NUMBERS and number(first, one) or NONE
    local b = other <= NUMBERS and number(second, other) or NONE
    local least = math.min(a, b)
    if least == NONE or least > most then break end
    if a == b then common = common + 1 end
    if a == least then one, counts[1] = one + 1, counts[1] + 1 end
    if b == least then other, counts[2] = other + 1, counts[2] + 1 end
  end
  return common >= SAME_NUMBERS * math.min(counts[1], counts[2])
end

-- How many slots of two sketches are equal: bytes of the first, and a text that has the second at a
-- place. Eight at once: a table of its bytes costs as much as comparing them.
local function count_equal(first, second, at)
  local equal, byte = 0, string.byte
  for n = 3, SLOTS + 2, 8 do
    local a, b, c, d, e, f, g, h = byte(second, at + n, at + n + 7)
    if first[n] == a then equal = equal + 1 end
    if first[n + 1] == b then equal = equal + 1 end
    if first[n + 2] == c then equal = equal + 1 end
    if first[n + 3] == d then equal = equal + 1 end
    if first[n + 4] == e then equal = equal + 1 end
    if first[n + 5] == f then equal = equal + 1 end
    if first[n + 6] == g then equal = equal + 1 end
    if first[n + 7] == h then equal = equal + 1 end
  end
  return equal
end

-- From 0 to 1: of a sketch as a table of bytes, and of one that is in a text behind `at` bytes.
local function similarity(first, second, at)
  local size, high, low = first[1] * 256 + first[2], string.byte(second, at + 1, at + 2)
  local other_size = high * 256 + low
  local shorter, longer = size, other_size
  if size > other_size then shorter, longer = other_size, size end
  if shorter == 0 or shorter < MIN_LENGTH_RATIO * longer then return 0 end
  local share = math.max(0, (count_equal(first, second, at) / SLOTS - 1 / 256) / (1 - 1 / 256))
  local contained = math.min(1, share / (1 + share) * (size + other_size) / shorter)
  if contained < SAME_SHARE then return 0 end
  local bytes = { string.byte(second, at + 1, at + SLOTS + 2 + 2 * (NUMBERS + 2)) }
  return numbers_agree(first, bytes, contained) and contained or 0
end

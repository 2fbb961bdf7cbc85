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

-- From 0 to 1; both sketches are tables of bytes.
local function similarity(first, second)
  local size, other_size = first[1] * 256 + first[2], second[1] * 256 + second[2]
  local shorter = math.min(size, other_size)
  if shorter == 0 or shorter < MIN_LENGTH_RATIO * math.max(size, other_size) then return 0 end
  local equal = 0
  for n = 3, SLOTS + 2 do
    if first[n] == second[n] then equal = equal + 1 end
  end
  local share = math.max(0, (equal / SLOTS - 1 / 256) / (1 - 1 / 256))
  local contained = math.min(1, share / (1 + share) * (size + other_size) / shorter)
  if contained < SAME_SHARE or not numbers_agree(first, second, contained) then return 0 end
  return contained
end

-- Which identities the index knows. Only a guess for whoever asks: publish.lua decides.
--
-- KEYS  for each identity its mark keys
-- ARGV  for each identity two: the number of its mark keys, the mark field
-- Returns for each identity 1 or 0.

local answers, next_key = {}, 1
for at = 1, #ARGV, 2 do
  local count, known = tonumber(ARGV[at]), 0
  for k = next_key, next_key + count - 1 do
    if redis.call('HEXISTS', KEYS[k], ARGV[at + 1]) == 1 then
      known = 1
      break
    end
  end
  next_key = next_key + count
  answers[#answers + 1] = known
end
return answers

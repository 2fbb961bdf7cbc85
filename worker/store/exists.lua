-- Which identities the index holds. The caller may only guess from it: publish.lua decides.
--
-- KEYS  for each identity its mark keys
-- ARGV  for each identity two: the number of its mark keys, the mark field
-- Returns a string of a 1 or 0 for each identity: the client reads a list number by number.

local answers, next_key = {}, 1
for at = 1, #ARGV, 2 do
  local count, exists = tonumber(ARGV[at]), '0'
  for k = next_key, next_key + count - 1 do
    if redis.call('HEXISTS', KEYS[k], ARGV[at + 1]) == 1 then
      exists = '1'
      break
    end
  end
  next_key = next_key + count
  answers[#answers + 1] = exists
end
return table.concat(answers)

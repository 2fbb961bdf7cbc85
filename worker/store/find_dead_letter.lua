-- Looks for the dead letter of an entry without sending the others.
--
-- KEYS  1 dead letters
-- ARGV  1 the letter before the first, 2 maximum number that is read, 3 ID of the entry
-- Returns {1 if it is there, the last letter that was read: '' if there is no other}.

local letters = redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])
for _, letter in ipairs(letters) do
  local fields = letter[2]
  if fields[1] == 'entry' and fields[2] == ARGV[3] then return { 1, letter[1] } end
end
return { 0, #letters > 0 and letters[#letters][1] or '' }

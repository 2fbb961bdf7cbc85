-- Finds the commands that the user may not run.
--
-- ARGV  commands with a key or channel, each a JSON list of words
-- Returns the numbers of those that are forbidden, from 1; nil before Redis 7, which cannot tell.

if not redis.acl_check_cmd then return false end
local missing = {}
for n, command in ipairs(ARGV) do
  if not redis.acl_check_cmd(unpack(cjson.decode(command))) then missing[#missing + 1] = n end
end
return missing

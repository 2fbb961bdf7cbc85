-- Put before the scripts that write several keys. Redis does not undo the writes of a script that
-- fails, so a condition that fails a later write must fail the script before its first one: without
-- this a user that had lost one right (HSET) published an article again at each retry.
--
-- types   key → the type that it must have, if it exists
-- rights  command → the keys that it may write
-- Returns an error reply, or nil. Before Redis 7 the server cannot tell a script about rights.

local function find_obstacle(types, rights)
  for key, wanted in pairs(types) do
    local kind = redis.call('TYPE', key)['ok']
    if kind ~= wanted and kind ~= 'none' then
      return redis.error_reply('WRONGTYPE ' .. key .. ' is a ' .. kind .. ', not a ' .. wanted)
    end
  end
  if not redis.acl_check_cmd then return nil end
  for command, keys in pairs(rights) do
    for _, key in ipairs(keys) do
      if not redis.acl_check_cmd(command, key) then
        return redis.error_reply('NOPERM the user may not run ' .. command .. ' on the key ' .. key)
      end
    end
  end
end


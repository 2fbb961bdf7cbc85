-- Counts entries of a stream without sending them.
--
-- KEYS  1 stream
-- ARGV  1 the entry before the first, 2 maximum number, 3 the last (none: the newest)
-- Returns {number of entries, the last of them}.

local entries = redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], ARGV[3] or '+', 'COUNT', ARGV[2])
return { #entries, #entries > 0 and entries[#entries][1] or ARGV[1] }

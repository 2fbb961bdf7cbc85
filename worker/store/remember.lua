-- Adds articles that were published before to the window of stories, each unless its story is there.
--
-- KEYS  1 the stream, for its slot
-- ARGV  1 the window (see stories.lua), then for each article two: what recognises its text, and ''
--       or the story that it told
-- Returns how many became the first of a story.

local all_marks = {}
for at = 2, #ARGV, 2 do all_marks[#all_marks + 1] = ARGV[at] end
local window = open_window(ARGV[1], all_marks)
for at = 2, #ARGV, 2 do decide_story(window, '', ARGV[at], ARGV[at + 1]) end
close_window(window)
return #window.added

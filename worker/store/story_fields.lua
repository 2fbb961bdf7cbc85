-- Put before the scripts that append entries: adds the fields of a story to those of an entry.
--
-- story  '<story> <first valid article or -> <similarity or ->', or '' if it has none

local function with_story(fields, story)
  local id, first, share = string.match(story, '^(%S+) (%S+) (%S+)$')
  local values = { 'story', id }
  if first and first ~= '-' then values = { 'story', id, 'near_duplicate_of', first } end
  if share and share ~= '-' then values[5], values[6] = 'similarity', share end
  for _, value in ipairs(id and values or {}) do fields[#fields + 1] = value end
  return fields
end


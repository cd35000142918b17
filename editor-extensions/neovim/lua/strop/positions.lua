-- Bytes of a line and the protocol's units, which are UTF-16 unless client and server agreed on
-- others. Pure functions on valid UTF-8; what is not counts a byte as a character.
local M = {}

local function width_of(byte)
  if byte < 0xC0 then return 1 end
  if byte < 0xE0 then return 2 end
  if byte < 0xF0 then return 3 end
  return 4
end

local function units_of(width, encoding)
  if encoding == 'utf-8' then return width end
  if encoding == 'utf-32' then return 1 end
  return width == 4 and 2 or 1
end

-- How many units `text` has.
function M.units(text, encoding)
  local at, units = 1, 0
  while at <= #text do
    local width = width_of(text:byte(at))
    units = units + units_of(width, encoding)
    at = at + width
  end
  return units
end

-- How many bytes of `line` lie before so many units; at most all.
function M.bytes(line, units, encoding)
  local at = 1
  while at <= #line and units > 0 do
    local width = width_of(line:byte(at))
    units = units - units_of(width, encoding)
    at = at + width
  end
  return math.min(at - 1, #line)
end

return M

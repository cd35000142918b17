-- One inline completion item at its place in a buffer: what of it is typed, what remains, and how
-- it gets into the text.
--
-- Made while the buffer is as it was when the item was asked for; an extmark keeps the place.
local clients = require('strop.clients')
local positions = require('strop.positions')

local Offer = {}
Offer.__index = Offer

local space = vim.api.nvim_create_namespace('strop.offer')

local function line_at(bufnr, row)
  return vim.api.nvim_buf_get_lines(bufnr, row, row + 1, false)[1] or ''
end

local function ends_with(text, ending)
  return ending == '' or text:sub(-#ending) == ending
end

-- Row and byte column, both from 0, of the current window's cursor.
function Offer.cursor()
  local at = vim.api.nvim_win_get_cursor(0)
  return at[1] - 1, at[2]
end

-- The cursor in the text as it is now; after any change it is another place.
function Offer.place()
  local bufnr = vim.api.nvim_get_current_buf()
  local row, col = Offer.cursor()
  return ('%d:%d:%d:%d'):format(bufnr, vim.api.nvim_buf_get_changedtick(bufnr), row, col)
end

-- nil: an item that cannot be shown at the cursor: a snippet, a range over several lines, or a text
-- that does not begin and end as what it replaces.
function Offer.new(bufnr, client, item)
  if type(item) ~= 'table' or type(item.insertText) ~= 'string' then return nil end
  local row, col = Offer.cursor()
  local line = line_at(bufnr, row)
  local from, to = col, col
  local range = type(item.range) == 'table' and item.range or nil
  if range then
    if range.start.line ~= row or range['end'].line ~= row then return nil end
    from = positions.bytes(line, range.start.character, client.offset_encoding)
    to = positions.bytes(line, range['end'].character, client.offset_encoding)
    if from > col or to < col then return nil end
  end
  local self = setmetatable({
    bufnr = bufnr,
    client_id = client.id,
    item = item,
    text = (item.insertText:gsub('\r\n', '\n')),
    tail = line:sub(col + 1, to), -- replaced too
    after = line:sub(col + 1), -- what has to stand behind the cursor
  }, Offer)
  self.mark = vim.api.nvim_buf_set_extmark(bufnr, space, row, from, { right_gravity = false })
  local rest = self:rest()
  if not rest or not ends_with(rest, self.tail) then
    self:drop()
    return nil
  end
  return self
end

function Offer:drop()
  if self.mark and vim.api.nvim_buf_is_valid(self.bufnr) then
    vim.api.nvim_buf_del_extmark(self.bufnr, space, self.mark)
  end
  self.mark = nil
end

-- How many bytes of the text stand before the cursor; nil: something else does.
function Offer:typed()
  if not self.mark or vim.api.nvim_get_current_buf() ~= self.bufnr then return nil end
  local at = vim.api.nvim_buf_get_extmark_by_id(self.bufnr, space, self.mark, {})
  local row, col = Offer.cursor()
  if not at[1] or row < at[1] or (row == at[1] and col < at[2]) then return nil end
  if line_at(self.bufnr, row):sub(col + 1) ~= self.after then return nil end
  local lines = vim.api.nvim_buf_get_text(self.bufnr, at[1], at[2], row, col, {})
  local typed = table.concat(lines, '\n')
  if self.text:sub(1, #typed) ~= typed then return nil end
  return #typed
end

-- What is still to come; nil: nothing, or it does not fit any more.
function Offer:rest()
  local typed = self:typed()
  if not typed or typed >= #self.text then return nil end
  return self.text:sub(typed + 1)
end

-- What of the rest is not in the buffer yet: that is what there is to see.
function Offer:unseen_rest()
  local rest = self:rest()
  return rest and rest:sub(1, #rest - #self.tail)
end

-- The next word of the rest, with the white space before it.
function Offer:next_word()
  local rest = self:rest()
  return rest
    and (
      rest:match('^%s*[%w_\128-\255]+')
      or rest:match('^%s*[^%w%s_\128-\255]+')
      or rest
    )
end

-- Puts `piece`, the beginning of the rest, before the cursor; with the last one goes what the item
-- replaces. True: that was all of it.
function Offer:insert(piece)
  local row, col = Offer.cursor()
  local all = piece == self:rest()
  local lines = vim.split(piece, '\n', { plain = true })
  local to = col + (all and #self.tail or 0)
  vim.api.nvim_buf_set_text(self.bufnr, row, col, row, to, lines)
  local last = #lines == 1 and col + #piece or #lines[#lines]
  vim.api.nvim_win_set_cursor(0, { row + #lines, last })
  return all
end

-- UTF-16 units of the text before the cursor, as didPartiallyAccept counts them.
function Offer:accepted_length()
  return positions.units(self.text:sub(1, self:typed() or 0), 'utf-16')
end

-- The item's command, once its text is in the buffer.
function Offer:execute()
  local command = self.item.command
  local client = clients.by_id(self.client_id)
  if type(command) ~= 'table' or not client then return end
  local here = vim.lsp.commands and vim.lsp.commands[command.command]
  if here then return here(command, { bufnr = self.bufnr, client_id = self.client_id }) end
  clients.request(client, 'workspace/executeCommand', {
    command = command.command,
    arguments = command.arguments,
  }, function(err)
    if err then
      vim.notify('strop: ' .. tostring(err.message), vim.log.levels.WARN)
    end
  end, self.bufnr)
end

return Offer

-- Draws what is still to come of a suggestion behind the cursor. Holds nothing.
local M = {}

local space = vim.api.nvim_create_namespace('strop.ghost')
-- Text between characters came with 0.10; before, what follows on the line is drawn again behind it.
local inserts = vim.fn.has('nvim-0.10') == 1

function M.clear(bufnr)
  if vim.api.nvim_buf_is_valid(bufnr) then vim.api.nvim_buf_clear_namespace(bufnr, space, 0, -1) end
end

-- At the cursor of the current window; `hint`: such as " (2/3)", or nil.
function M.draw(bufnr, text, hint)
  M.clear(bufnr)
  local at = vim.api.nvim_win_get_cursor(0)
  local row, col = at[1] - 1, at[2]
  local lines = vim.tbl_map(function(line)
    return { { line, 'StropGhost' } }
  end, vim.split(text, '\n', { plain = true }))
  if hint then table.insert(lines[#lines], { hint, 'StropHint' }) end
  local first = table.remove(lines, 1)
  local behind = vim.api.nvim_buf_get_lines(bufnr, row, row + 1, false)[1]:sub(col + 1)
  if not inserts and behind ~= '' then first[#first + 1] = { behind, 'Normal' } end
  vim.api.nvim_buf_set_extmark(bufnr, space, row, col, {
    virt_text = first,
    virt_text_pos = inserts and 'inline' or 'overlay',
    virt_lines = #lines > 0 and lines or nil,
    hl_mode = 'combine',
  })
end

return M

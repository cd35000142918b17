-- The commands :Strop…
local agent = require('strop.agent')

local M = {}

-- What the program printed, in a buffer of its own that nothing keeps.
local function view(name, lines, filetype)
  vim.cmd('botright new')
  local bufnr = vim.api.nvim_get_current_buf()
  vim.bo[bufnr].buftype = 'nofile'
  vim.bo[bufnr].bufhidden = 'wipe'
  vim.bo[bufnr].swapfile = false
  vim.bo[bufnr].undolevels = -1
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, lines)
  vim.bo[bufnr].modifiable = false
  vim.bo[bufnr].filetype = filetype
  pcall(vim.api.nvim_buf_set_name, bufnr, 'strop://' .. name)
  vim.keymap.set('n', 'q', '<Cmd>close<CR>', { buffer = bufnr, nowait = true })
end

local function show(arguments, filetype)
  agent.own(arguments, function(code, out, err)
    if #out == 0 and code ~= 0 then return agent.say(table.concat(err, '\n'), vim.log.levels.ERROR) end
    view(table.concat(arguments, ' '), vim.list_extend(out, err), filetype)
  end)
end

local function rate(call)
  local rating = require('strop.rating')
  if #call.fargs == 0 then return rating.ask() end
  local dimensions, reason = rating.parse(call.fargs)
  if not dimensions then return agent.say(reason, vim.log.levels.ERROR) end
  rating.send(dimensions, reason)
end

local function complete_rating()
  local words = vim.tbl_map(function(name) return name .. '=' end, require('strop.rating').dimensions)
  words[#words + 1] = 'reason='
  return table.concat(words, '\n')
end

function M.define()
  local function command(name, act, options)
    vim.api.nvim_create_user_command('Strop' .. name, act, options or {})
  end
  command('Status', function() require('strop.status').tell() end)
  command('Pause', function() require('strop.status').pause('pause') end)
  command('Resume', function() require('strop.status').pause('resume') end)
  command('Inspect', function(call)
    if call.bang then return show({ 'inspect', '--json' }, 'json') end
    show({ 'inspect' }, 'text')
  end, { bang = true })
  command('Doctor', function() show({ 'doctor' }, 'text') end)
  command('Rate', rate, { nargs = '*', complete = 'custom,v:lua.require\'strop.commands\'.complete_rating' })
end

M.complete_rating = complete_rating

return M

-- Inline completion: by Neovim itself where it can, else by this plugin. When to look, and what keys do.
local clients = require('strop.clients')
local provider = require('strop.provider')
local session = require('strop.session')
local settings = require('strop.settings')

local M = {}

local built_in = vim.lsp.inline_completion ~= nil
local engine = require(built_in and 'strop.builtin' or 'strop.inline')
local last_accepted -- { client_id, item }; nil: a menu's item was accepted since

function M.engine()
  return built_in and "Neovim's vim.lsp.inline_completion" or 'this plugin'
end

local function remember(offer)
  last_accepted = { client_id = offer.client_id, item = offer.item }
end

function M.last_accepted()
  return last_accepted
end

function M.visible()
  return engine.showing()
end
function M.accept()
  return engine.accept(remember)
end
function M.accept_word()
  return engine.accept_word(remember)
end
function M.dismiss()
  return engine.dismiss()
end
function M.next()
  return engine.cycle(1)
end
function M.prev()
  return engine.cycle(-1)
end

local function map(action, key)
  vim.keymap.set('i', key, function()
    if not engine.showing() then return key end
    return ("<Cmd>lua require('strop').%s()<CR>"):format(action)
  end, { expr = true, desc = 'Strop: ' .. action:gsub('_', ' ') })
end

-- Agents that are met for the first time are asked how they stand; `again`: so are the others.
local function meet(bufnr, again)
  for _, client in ipairs(clients.agents(bufnr)) do
    if again or not session.known(client) then session.ask_status(client, bufnr) end
  end
end

local function is_current(bufnr)
  return vim.api.nvim_get_current_buf() == bufnr
end

function M.start()
  local group = vim.api.nvim_create_augroup('strop.completion', { clear = true })
  local function at(events, act)
    vim.api.nvim_create_autocmd(events, { group = group, callback = act })
  end
  at('InsertEnter', function(event)
    provider.ensure(event.buf, function()
      if not is_current(event.buf) then return end
      meet(event.buf)
      engine.enter()
    end)
    meet(event.buf, true)
    engine.enter()
  end)
  at({ 'BufEnter', 'FocusGained' }, function(event) meet(event.buf, true) end)
  if vim.fn.exists('##LspAttach') == 1 then
    at('LspAttach', function(event)
      vim.schedule(function() meet(event.buf) end)
    end)
  end
  at({ 'CursorMovedI', 'TextChangedI', 'TextChangedP' }, function(event)
    meet(event.buf)
    engine.look()
  end)
  at('CompleteDone', function()
    if next(vim.v.completed_item or {}) then last_accepted = nil end
    engine.menu_closed()
  end)
  at({ 'InsertLeave', 'BufLeave' }, function() engine.leave() end)
  for action, key in pairs(settings.now.keys) do
    map(action, key)
  end
end

return M

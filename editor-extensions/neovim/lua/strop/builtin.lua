-- Inline completion by Neovim's own vim.lsp.inline_completion (0.12): switches it on for the agent,
-- and adds what it does not do, that is word by word, dismissing, and saying what was shown.
--
-- Neovim tells nobody what it shows. The items are seen as they come, in the answer to the request
-- that it makes; which of them is on the screen is read from its extmarks.
local clients = require('strop.clients')
local Offer = require('strop.offer')
local provider = require('strop.provider')
local session = require('strop.session')
local settings = require('strop.settings')

local M = {}

local METHOD = 'textDocument/inlineCompletion'
local offers = {} -- of the last answer, in the buffer in which one types
local shown
local watched = {} -- client ids
local on = {} -- bufnr → client id

local function drop()
  for _, offer in ipairs(offers) do
    offer:drop()
  end
  offers, shown = {}, nil
end

-- The text on the screen, without the count behind it; nil: none.
local function drawn(bufnr)
  local space = vim.api.nvim_get_namespaces()['nvim.lsp.inline_completion']
  local mark = space and vim.api.nvim_buf_get_extmarks(bufnr, space, 0, -1, { details = true })[1]
  if not mark or not mark[4].virt_text then return nil end
  local lines = { mark[4].virt_text[1][1] }
  for _, line in ipairs(mark[4].virt_lines or {}) do
    lines[#lines + 1] = line[1][1]
  end
  return table.concat(lines, '\n')
end

-- The offer on the screen, if it still fits what is typed. Where an item replaces what follows, Neovim
-- leaves out what stands there already.
local function visible()
  local text = drawn(vim.api.nvim_get_current_buf())
  if not text or text == '' then return nil end
  local likely
  for _, offer in ipairs(offers) do
    local rest = offer:rest()
    if rest == text then return offer end
    if rest and rest:sub(-#text) == text then likely = likely or offer end
  end
  return likely
end

local function look()
  if vim.fn.pumvisible() == 1 then return end
  local offer = visible()
  if offer and offer ~= shown then session.did_show(clients.by_id(offer.client_id), offer.item) end
  shown = offer
end

local function see(client, result)
  drop()
  for _, item in ipairs(type(result) == 'table' and (result.items or result) or {}) do
    offers[#offers + 1] = Offer.new(vim.api.nvim_get_current_buf(), client, item)
  end
end

-- Puts our eye between Neovim's request and its handler. What answers a text that has changed since,
-- or was switched off, is dropped: another request is under way then.
local function watch(client)
  if watched[client.id] then return end
  watched[client.id] = true
  local request = client.request
  client.request = function(self, method, params, handler, bufnr)
    if method ~= METHOD or not handler then return request(self, method, params, handler, bufnr) end
    local asked = Offer.place()
    return request(self, method, params, function(err, result, ...)
      if err or Offer.place() ~= asked or on[bufnr] ~= client.id then return end
      see(client, result)
      handler(err, result, ...)
      vim.schedule(look)
    end, bufnr)
  end
end

local function switch(bufnr)
  local client = settings.now.inline and provider.of(bufnr) or nil
  local id = client and client.id or nil
  if on[bufnr] == id then return end
  if on[bufnr] and clients.by_id(on[bufnr]) then
    vim.lsp.inline_completion.enable(false, { bufnr = bufnr, client_id = on[bufnr] })
  end
  on[bufnr] = id
  if client then
    watch(client)
    vim.lsp.inline_completion.enable(true, { bufnr = bufnr, client_id = id })
  end
end

function M.look()
  switch(vim.api.nvim_get_current_buf())
  vim.schedule(look)
end

M.enter = M.look
M.menu_closed = M.look

function M.leave()
  drop()
end

function M.showing()
  return visible() ~= nil
end

-- Neovim gives up what it shows, and its own way of inserting it.
local function seize(act)
  local offer = visible()
  if not offer then return false end
  return vim.lsp.inline_completion.get({
    on_accept = function()
      if offer:rest() then act(offer) end
    end,
  })
end

function M.accept(done)
  return seize(function(offer)
    offer:insert(offer:rest())
    offer:execute()
    drop()
    done(offer)
  end)
end

function M.accept_word(done)
  local offer = visible()
  if offer and offer:next_word() == offer:rest() then return M.accept(done) end
  return seize(function(taken)
    taken:insert(taken:next_word())
    session.did_partially_accept(clients.by_id(taken.client_id), taken.item, taken:accepted_length())
  end)
end

function M.dismiss()
  return seize(function(offer)
    drop()
    session.did_reject(clients.by_id(offer.client_id), offer.item)
  end)
end

function M.cycle(step)
  if not visible() then return false end
  vim.lsp.inline_completion.select({ count = step })
  look()
  return true
end

return M

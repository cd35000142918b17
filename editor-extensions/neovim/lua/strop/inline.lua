-- Inline completion for a Neovim that has none of its own (before 0.12): asks, shows, follows what is
-- typed.
--
-- One thing is shown at a time, in the buffer in which one types. An answer to a text that has
-- changed since is dropped; typing what is shown asks for nothing.
local clients = require('strop.clients')
local ghost = require('strop.ghost')
local Offer = require('strop.offer')
local positions = require('strop.positions')
local provider = require('strop.provider')
local session = require('strop.session')
local settings = require('strop.settings')

local M = {}

local AUTOMATIC, INVOKED = 2, 1 -- InlineCompletionTriggerKind
local offers, index = {}, 1 -- what there is to show
local shown -- the offer that is drawn
local asked -- { client, id, place }: the request under way
local place_seen -- of the last look, so that one key press is one change
local timer = vim.loop.new_timer()

local function inserting()
  return vim.api.nvim_get_mode().mode:sub(1, 1) == 'i'
end

local function hide()
  if not shown then return end
  ghost.clear(shown.bufnr)
  shown = nil
end

local function drop()
  hide()
  for _, offer in ipairs(offers) do
    offer:drop()
  end
  offers, index = {}, 1
end

local function withdraw()
  timer:stop()
  if not asked then return end
  local client = clients.by_id(asked.client)
  if client then clients.cancel(client, asked.id) end
  asked = nil
end

-- True: something is on the screen.
local function draw(with_count)
  local offer = offers[index]
  local rest = offer and offer:unseen_rest()
  if not rest or rest == '' or vim.fn.pumvisible() == 1 then
    hide()
    return false
  end
  ghost.draw(offer.bufnr, rest, with_count and #offers > 1 and (' (%d/%d)'):format(index, #offers) or nil)
  if shown ~= offer then
    shown = offer
    session.did_show(clients.by_id(offer.client_id), offer.item)
  end
  return true
end

local function take(client, result)
  local items = type(result) == 'table' and (result.items or result) or {}
  for _, item in ipairs(items) do
    offers[#offers + 1] = Offer.new(vim.api.nvim_get_current_buf(), client, item)
  end
  draw()
end

local function request(kind)
  withdraw()
  local bufnr = vim.api.nvim_get_current_buf()
  local client = provider.of(bufnr)
  if not client or not inserting() or vim.fn.pumvisible() == 1 then return end
  local row, col = Offer.cursor()
  local line = vim.api.nvim_get_current_line()
  local this = { client = client.id, place = Offer.place() }
  local sent, id = clients.request(client, 'textDocument/inlineCompletion', {
    textDocument = { uri = vim.uri_from_bufnr(bufnr) },
    position = { line = row, character = positions.units(line:sub(1, col), client.offset_encoding) },
    context = { triggerKind = kind },
  }, function(err, result)
    if asked ~= this then return end
    asked = nil
    if err or not inserting() or Offer.place() ~= this.place then return end
    drop()
    take(client, result)
  end, bufnr)
  if sent then
    this.id = id
    asked = this
  end
end

local function request_soon()
  withdraw()
  timer:start(settings.now.debounce, 0, vim.schedule_wrap(function() request(AUTOMATIC) end))
end

-- After anything that may have changed text, cursor or menu.
function M.look()
  if not settings.now.inline or not inserting() then return end
  local here = Offer.place()
  local moved = here ~= place_seen
  place_seen = here
  if offers[index] and offers[index]:rest() then
    draw()
    return
  end
  if offers[index] then drop() end
  if moved then request_soon() end
end

function M.enter()
  place_seen = nil
  M.look()
end

function M.menu_closed()
  if offers[index] == nil then place_seen = nil end
  vim.schedule(M.look)
end

function M.leave()
  withdraw()
  drop()
  place_seen = nil
end

function M.showing()
  return shown ~= nil
end

function M.trigger()
  drop()
  request(INVOKED)
end

-- done(offer): its text is in the buffer and its command is under way.
function M.accept(done)
  local offer = shown
  if not offer or not offer:rest() then return false end
  offer:insert(offer:rest())
  offer:execute()
  drop()
  done(offer)
  return true
end

function M.accept_word(done)
  local offer = shown
  local word = offer and offer:next_word()
  if not word then return false end
  if word == offer:rest() then return M.accept(done) end
  offer:insert(word)
  session.did_partially_accept(clients.by_id(offer.client_id), offer.item, offer:accepted_length())
  place_seen = Offer.place()
  draw()
  return true
end

function M.dismiss()
  local offer = shown
  if not offer then return false end
  drop()
  withdraw()
  session.did_reject(clients.by_id(offer.client_id), offer.item)
  return true
end

-- The next one that fits, `step` onwards.
function M.cycle(step)
  if not shown or #offers < 2 then return false end
  for _ = 1, #offers do
    index = (index - 1 + step) % #offers + 1
    if offers[index]:rest() then break end
  end
  return draw(true)
end

return M

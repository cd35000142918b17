-- Commands and highlights; nothing starts before require('strop').setup{}.
if vim.g.loaded_strop then return end
vim.g.loaded_strop = true

if vim.fn.has('nvim-0.7') == 0 then
  vim.notify('strop: needs Neovim 0.7 or newer', vim.log.levels.WARN)
  return
end

vim.api.nvim_set_hl(0, 'StropGhost', { link = 'Comment', default = true })
vim.api.nvim_set_hl(0, 'StropHint', { link = 'NonText', default = true })
require('strop.commands').define()

# frozen_string_literal: true

require 'versioner/header'
require 'versioner/errors'
require 'versioner/result'
require 'versioner/library'
require 'versioner/metadata'
require 'versioner/arena'
require 'versioner/client'

# Tells Versioner what is built and what is deployed where, and stops when it says no.
#
# @see Client
module Versioner
  VERSION = Header::VERSION
end

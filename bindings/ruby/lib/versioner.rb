# frozen_string_literal: true

require 'versioner/header'
require 'versioner/result'
require 'versioner/errors'
require 'versioner/platform'
require 'versioner/library_file'
require 'versioner/library'
require 'versioner/text'
require 'versioner/keywords'
require 'versioner/metadata'
require 'versioner/arena'
require 'versioner/settings'
require 'versioner/fields'
require 'versioner/log'
require 'versioner/answers'
require 'versioner/call'
require 'versioner/workers'
require 'versioner/span_handle'
require 'versioner/asking'
require 'versioner/span'
require 'versioner/renewal'
require 'versioner/scope'
require 'versioner/client'
require 'versioner/spans'

# Tells Versioner what is built and what is deployed where, and stops when it says no.
#
# @see Client
module Versioner
  VERSION = Header::VERSION
end

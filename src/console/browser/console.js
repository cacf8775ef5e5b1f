import './times.js'
import './copy.js'
import './history.js'
import './live.js'
